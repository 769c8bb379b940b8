import kafkajs from 'kafkajs';
import { registerCodecs } from './compression-codecs.js';
import { speedUpRecords } from './kafkajs-records.js';
import { stopNegativeTimeouts } from './kafkajs-timeouts.js';

// The only way to kafkajs here: what it lacks is put in before any client exists. It loads the parts of its protocol on
// first use, so that this comes early enough.
registerCodecs(kafkajs);
speedUpRecords();
stopNegativeTimeouts();

export { kafkajs };
