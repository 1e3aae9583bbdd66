import type { Store } from "../../model/store.ts";

/** The part of a store that clears keys. */
export type RemovingStore = Required<Pick<Store, "remove">> & Pick<Store, "invalidation">;
