import { serviceSettings } from '@heddle/mesh';
import { defineSettings } from '@heddle/runtime';

/** Every setting of business-partner. */
export const settings = defineSettings(serviceSettings({ name: 'business-partner', port: 8102 }));
