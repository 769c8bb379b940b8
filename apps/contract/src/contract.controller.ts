import {
  type ChangeRequest,
  Changes,
  type ListQuery,
  MayMatch,
  MustMatch,
  Origin,
  type OriginOfChange,
  Reads,
  answerDocument,
  answerPage,
  answerRead,
  answerState,
  keyShape,
  listQueryShape,
} from '@heddle/mesh';
import { Body, Controller, Get, Headers, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ContractService } from './contract.service.js';
import {
  type Contract,
  type ContractPatch,
  type DocumentQuery,
  type NewContract,
  type Signing,
  type Termination,
  contractPatchShape,
  documentQueryShape,
  newContractShape,
  signingShape,
  terminationShape,
} from './contract.shape.js';

const PATH = '/contracts';

/** The document comes in by `document-upload.ts`. */
@Controller('contracts')
export class ContractController {
  constructor(private readonly contracts: ContractService) {}

  @Changes()
  @Post()
  async create(
    @Body({ schema: newContractShape }) input: NewContract,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Contract> {
    const stored = await this.contracts.create(input, origin);
    void reply.header('location', `${PATH}/${stored.key}`);
    return answerState(reply, stored);
  }

  @Reads()
  @Get()
  async list(
    @Query({ schema: listQueryShape }) query: ListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ value: Contract[]; next: string | null }> {
    return answerPage(reply, PATH, await this.contracts.list(query));
  }

  @Reads()
  @Get(':key')
  async read(
    @Param('key', { schema: keyShape }) key: string,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Contract | undefined> {
    return answerRead(reply, await this.contracts.read(key), ifNoneMatch);
  }

  @Changes()
  @Patch(':key')
  async change(
    @MustMatch() request: ChangeRequest,
    @Body({ schema: contractPatchShape }) patch: ContractPatch,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Contract> {
    return answerState(reply, await this.contracts.change(request, patch));
  }

  @Reads()
  @Get(':key/document')
  async document(
    @Param('key', { schema: keyShape }) key: string,
    @Query({ schema: documentQueryShape }) { sha256 }: DocumentQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    answerDocument(reply, await this.contracts.document(key, sha256));
  }

  /** Whoever signs says what: a document that came in meanwhile is not what they have read. */
  @Changes()
  @Post(':key/signature')
  @HttpCode(200)
  async sign(
    @MustMatch() request: ChangeRequest,
    @Body({ schema: signingShape }) signing: Signing,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Contract> {
    return answerState(reply, await this.contracts.sign(request, signing));
  }

  @Changes()
  @Post(':key/termination')
  @HttpCode(200)
  async terminate(
    @MayMatch() request: ChangeRequest,
    @Body({ schema: terminationShape }) termination: Termination,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Contract> {
    return answerState(reply, await this.contracts.terminate(request, termination));
  }
}
