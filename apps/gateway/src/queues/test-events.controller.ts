import { Access, By, type Caller } from '@heddle/auth';
import { Body, Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { checkQueueName } from './queue.shape.js';
import { Queues } from './queues.js';
import { type TestEventsAnswer, type TestEventsRequest, TestEvents, testEventsShape } from './test-events.js';

const body = { schema: testEventsShape };
const publishes = { verb: 'publish', kind: 'queue', param: 'name' } as const;

/** Samples for whoever builds a receiver. */
@Controller('v1/queues/:name')
export class TestEventsController {
  constructor(
    @Inject(Queues) private readonly queues: Queues,
    @Inject(TestEvents) private readonly testEvents: TestEvents,
  ) {}

  @Post('test-events')
  @HttpCode(202)
  @Access(publishes)
  produce(
    @By() caller: Caller,
    @Param('name') name: string,
    @Body(body) request: TestEventsRequest,
  ): Promise<TestEventsAnswer> {
    const { definition } = this.queues.working(caller.tenant, checkQueueName(name));
    return this.testEvents.produce(caller, definition, request);
  }
}
