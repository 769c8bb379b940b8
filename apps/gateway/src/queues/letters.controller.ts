import { Body, Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { type Letters, lettersShape, placeLetters } from './place-letters.js';
import { checkQueueName } from './queue.shape.js';
import { Queues } from './queues.js';

/** How a redrive at one instance gives dead letters back to a queue that another one works on. */
@Controller('v1/queues/:name/letters')
export class LettersController {
  constructor(@Inject(Queues) private readonly queues: Queues) {}

  @Post()
  @HttpCode(204)
  async place(@Param('name') name: string, @Body({ schema: lettersShape }) letters: Letters): Promise<void> {
    await placeLetters(this.queues, checkQueueName(name), letters);
  }
}
