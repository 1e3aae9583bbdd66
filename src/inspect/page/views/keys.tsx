import type { VNode } from "preact";
import { amount, counted } from "../../../internal/counted.ts";
import { formatKeyQuery, KEYS_PER_PAGE, type KeyQuery } from "../../server/key-query.ts";
import type { KeyGroup, KeyPage } from "../../server/wire.ts";
import { playback, session, toast } from "../browser/page-state.ts";
import { mayChange, requestKeys, requestMatching, requestRemoval } from "../browser/server.ts";
import { REFRESH_MS, useRequest } from "../browser/use-request.ts";
import { pendingBulk } from "../parts/bulk-dialog.tsx";
import { KeyFilters } from "../parts/key-filters.tsx";
import { KeyTable } from "../parts/key-table.tsx";
import { Name } from "../parts/name.tsx";
import { clearMany } from "../state/clear-action.ts";
import { hashOf } from "../state/route.ts";
import { type SharedNames, sharedNames, sharedWords } from "../state/shared-names.ts";

/** The table of all keys in the store, committed ones included. Its address contains the filter, order and page. */
export function KeysView({ query }: { query: KeyQuery }): VNode {
  const reply = useRequest(() => requestKeys(query), [formatKeyQuery(query), pendingBulk.value], REFRESH_MS);
  if (playback.value !== undefined) {
    return <p class="empty">A recorded run has no store. See the views of its events instead.</p>;
  }
  const page = reply.value?.ok === true ? reply.value.value : undefined;
  const shared = sharedNames(page?.rows ?? []);
  const words = sharedWords(shared);
  return (
    <div class="in-flight">
      <div class="view-head">
        <h2>All keys</h2>
        <p class="soft" role="status">
          {page === undefined ? "Loading…" : sizeOf(page, query)}
        </p>
        {words !== "" && <p class="shared soft">{words}</p>}
        <KeyFilters query={query}>
          {page !== undefined && query.state !== "failed" && mayChange(session().source) && (
            <BulkButton query={query} isDisabled={page.matching === 0} />
          )}
        </KeyFilters>
      </div>
      {reply.value?.ok === false && (
        <p class="problem" role="alert">
          {reply.value.message}
        </p>
      )}
      {page !== undefined && page.unreadable !== "" && (
        <p class="problem" role="alert">
          A record is not listed. {page.unreadable}
        </p>
      )}
      {page !== undefined && <Groups groups={page.groups} query={query} shared={shared} />}
      {page !== undefined && <KeyTable page={page} shared={shared} query={query} />}
      {page !== undefined && <Pages page={page} query={query} />}
    </div>
  );
}

function sizeOf({ total, matching }: KeyPage, query: KeyQuery): string {
  const all = counted(total, query.state === "failed" ? "failed event" : "key");
  return matching === total ? all : `${amount(matching)} of ${all}`;
}

/** Clears all keys that the filter matches. Reserved keys only if the filter selects them. */
function BulkButton({ query, isDisabled }: { query: KeyQuery; isDisabled: boolean }): VNode {
  const ask = async (): Promise<void> => {
    const reply = await requestMatching(query);
    const how = { withReserved: query.state === "reserved", isFiltered: isFiltered(query) };
    if (reply.ok) pendingBulk.value = clearMany(reply.value, how, requestRemoval);
    else toast.value = { text: reply.message, isError: true };
  };
  return (
    <button type="button" class="button" disabled={isDisabled} onClick={() => void ask()}>
      Clear all that match…
    </button>
  );
}

function isFiltered({ workspace, subscription, event, owner }: KeyQuery): boolean {
  return [workspace, subscription, event, owner].some((text) => text !== "");
}

const groupNames = { subscription: "Subscription", owner: "Owner", error: "Error" } as const;

interface GroupsProps {
  readonly groups: readonly KeyGroup[];
  readonly query: KeyQuery;
  readonly shared: SharedNames;
}

/** The most frequent names among the matching keys, each a link to its keys. */
function Groups({ groups, query, shared }: GroupsProps): VNode | null {
  if (groups.length === 0) return null;
  const prefixes = { subscription: "", owner: shared.ownerPrefix, error: "" };
  return (
    <dl class="groups">
      {groups.map(({ field, names }) => (
        <div key={field}>
          <dt>{groupNames[field]}</dt>
          {names.map(({ name, count }) => (
            <dd key={name}>
              <a href={hashOf({ view: "keys", query: { ...query, [field]: name, page: 1 } })}>
                <Name text={name} prefix={prefixes[field]} /> <b>{amount(count)}</b>
              </a>
            </dd>
          ))}
        </div>
      ))}
    </dl>
  );
}

function Pages({ page, query }: { page: KeyPage; query: KeyQuery }): VNode | null {
  const pages = Math.max(1, Math.ceil(page.matching / KEYS_PER_PAGE));
  if (pages === 1 && query.page === 1) return null;
  const link = (to: number, name: string): VNode =>
    to < 1 || to > pages ? (
      <span class="soft">{name}</span>
    ) : (
      <a href={hashOf({ view: "keys", query: { ...query, page: to } })}>{name}</a>
    );
  return (
    <nav class="pages" aria-label="Pages">
      {link(query.page - 1, "Previous")}
      <span>
        page {amount(query.page)} of {amount(pages)}
      </span>
      {link(query.page + 1, "Next")}
    </nav>
  );
}
