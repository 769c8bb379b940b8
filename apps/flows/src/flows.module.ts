import type { DynamicModule } from '@nestjs/common';
import { MonitorController } from './monitor/monitor.controller.js';
import { Monitor } from './monitor/monitor.js';

/** The management side: the monitor. What messages pass through stays outside of Nest. */
export class FlowsModule {
  static of(monitor: Monitor): DynamicModule {
    return {
      module: FlowsModule,
      controllers: [MonitorController],
      providers: [{ provide: Monitor, useValue: monitor }],
    };
  }
}
