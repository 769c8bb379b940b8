import { cyclesAreWhole, deliveredIsUnchanged, everyEventArrives, onlyStoredIsDelivered } from './delivering.js';
import { acceptedWasAnswered, deadLettersAreHonest, oneFinalState } from './ending.js';
import { fetchedIsNew } from './fetching.js';
import { deliveredInOrder, oneInFlight } from './order.js';
import { progressGoesOn } from './progressing.js';
import { acknowledgedIsKept, onlyPublishedIsThere, publishedInOrder, publishedIsUnchanged } from './publishing.js';
import { changesAreKept, numbersRiseByOne, raisedIsAppended, repeatsAreCopies } from './raising.js';
import { acceptedIsDone, attemptsAreCounted, copiesAreSame, repeatsAreMarked } from './repeating.js';
import type { Rule } from './rule.js';
import { processesStayUp } from './running.js';

/** Every rule that a history is held to. */
export const rules: readonly Rule[] = [
  acknowledgedIsKept,
  onlyPublishedIsThere,
  publishedIsUnchanged,
  publishedInOrder,
  changesAreKept,
  raisedIsAppended,
  numbersRiseByOne,
  repeatsAreCopies,
  everyEventArrives,
  cyclesAreWhole,
  onlyStoredIsDelivered,
  deliveredIsUnchanged,
  deliveredInOrder,
  oneInFlight,
  repeatsAreMarked,
  copiesAreSame,
  attemptsAreCounted,
  acceptedIsDone,
  oneFinalState,
  deadLettersAreHonest,
  acceptedWasAnswered,
  progressGoesOn,
  fetchedIsNew,
  processesStayUp,
];
