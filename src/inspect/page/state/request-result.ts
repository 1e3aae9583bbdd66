/** Result of a request: the value, or why there is none. */
export type RequestResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly message: string };
