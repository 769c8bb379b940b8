import 'reflect-metadata';
import { runService } from '@heddle/mesh';
import { readSettings } from '@heddle/runtime';
import { contractService } from './contract.module.js';
import { settings } from './settings.js';

const values = readSettings(settings);
await runService(contractService(values), values);
