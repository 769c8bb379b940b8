import 'reflect-metadata';
import { runService } from '@heddle/mesh';
import { readSettings } from '@heddle/runtime';
import { salesOrder } from './sales-order.module.js';
import { settings } from './settings.js';

await runService(salesOrder, readSettings(settings));
