import { atTheEnd } from './at-the-end.js';
import { inDelivery } from './in-delivery.js';
import { inTheLog } from './in-the-log.js';
import { ofServices } from './of-services.js';
import type { Defect } from './planting.js';

/** Every kind of defect that the checker must find. */
export const DEFECTS: readonly Defect[] = [...inTheLog, ...ofServices, ...inDelivery, ...atTheEnd];
