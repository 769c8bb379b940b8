import { serviceSettings } from '@heddle/mesh';
import { defineSettings } from '@heddle/runtime';

/** Every setting of sales-order. */
export const settings = defineSettings(serviceSettings({ name: 'sales-order', port: 8101 }));
