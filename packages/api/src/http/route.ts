/** What a REST answer adds to the procedure's output. */
export interface RestReply {
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How a procedure is reached over REST, as data: the server mounts it, the OpenAPI document describes it. */
export interface RestRoute {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/api`; `{name}` is the input field of that name. */
  readonly path: `/${string}`;
  /** Input field that takes the whole JSON body; without it the body's members are input fields. */
  readonly body?: string;
  /** Request headers (lower case) that are input fields. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Status of success; 200 unless told. */
  readonly status?: number;
  /** Body and headers from the output; without it the output is the body. */
  readonly reply?: (output: never) => RestReply;
}
