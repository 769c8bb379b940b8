import { jsonToXmlStep } from './json-to-xml.step.js';
import type { Step } from './step.js';

/** Every step that a flow can name. */
export const steps: readonly Step[] = [jsonToXmlStep];
