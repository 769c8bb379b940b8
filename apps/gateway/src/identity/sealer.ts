/** Keeps secrets that stand in the log; see the vault. */
export interface Sealer {
  /** @param context which record and field it is for: it opens for the same only */
  seal(tenant: string, context: string, plaintext: string): Promise<string>;
  /** @throws HeddleError when it was changed, or sealed for another place */
  open(tenant: string, context: string, sealed: string): string;
}
