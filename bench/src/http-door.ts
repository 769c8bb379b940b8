/** Where a load goes, and as whom. */
export interface HttpDoor {
  port: number;
  /** The value of the authorization header; empty where nobody asks for one. */
  authorization: string;
}

/** The line of a request's head that says who asks, with its end; nothing where nobody asks. */
export function authorizationLine({ authorization }: Pick<HttpDoor, 'authorization'>): string {
  return authorization === '' ? '' : `authorization: ${authorization}\r\n`;
}
