import { builtin } from "./builtin.ts";

const native = builtin?.("node:buffer").Buffer;
const encoder = new TextEncoder();

/** Returns the number of bytes of a text in UTF-8. Node counts them without encoding the text. */
export const utf8Length: (text: string) => number =
  native === undefined ? (text) => encoder.encode(text).length : (text) => native.byteLength(text);
