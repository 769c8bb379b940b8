import 'reflect-metadata';
import { runService } from '@heddle/mesh';
import { readSettings } from '@heddle/runtime';
import { businessPartner } from './business-partner.module.js';
import { settings } from './settings.js';

await runService(businessPartner, readSettings(settings));
