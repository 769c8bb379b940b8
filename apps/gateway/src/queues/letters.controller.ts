import { Access } from '@heddle/auth';
import { Body, Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { type Letters, lettersShape, placeLetters } from './place-letters.js';
import { checkQueueName } from './queue.shape.js';
import { Queues } from './queues.js';

/** How a redrive at one instance gives dead letters back to a queue that another one works on. */
@Controller('v1/tenants/:tenant/queues/:name/letters')
export class LettersController {
  constructor(@Inject(Queues) private readonly queues: Queues) {}

  @Post()
  @HttpCode(204)
  @Access('instance')
  async place(
    @Param('tenant') tenant: string,
    @Param('name') name: string,
    @Body({ schema: lettersShape }) letters: Letters,
  ): Promise<void> {
    await placeLetters(this.queues, { tenant, name: checkQueueName(name) }, letters);
  }
}
