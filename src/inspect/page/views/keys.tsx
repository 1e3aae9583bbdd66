import { useSignal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";
import { amount, counted } from "../../../internal/counted.ts";
import {
  ALL_KEYS,
  formatKeyQuery,
  KEY_STATES,
  KEYS_PER_PAGE,
  type KeyColumn,
  type KeyQuery,
} from "../../server/key-query.ts";
import type { KeyGroup, KeyPage, KeyRow } from "../../server/wire.ts";
import { goTo } from "../browser/navigate.ts";
import { nowMs, playback, session, toast } from "../browser/page-state.ts";
import { mayChange, removeKeys, requestKeys, requestMatching } from "../browser/server.ts";
import { REFRESH_MS, useRequest } from "../browser/use-request.ts";
import { pendingBulk } from "../parts/bulk-dialog.tsx";
import { CopyableNumber } from "../parts/copyable.tsx";
import { IdentityCells } from "../parts/identity-cells.tsx";
import { KeyChip } from "../parts/key-chip.tsx";
import { Name } from "../parts/name.tsx";
import { type SortableColumn, SortableHead } from "../parts/sortable-head.tsx";
import { clearMany } from "../state/clear-action.ts";
import { exactTime, span } from "../state/formats.ts";
import { hashOf } from "../state/route.ts";
import { type SharedNames, sharedNames, sharedWords } from "../state/shared-names.ts";

/** A filter is applied when the user stops typing. */
const TYPING_MS = 250;

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
    if (reply.ok) pendingBulk.value = clearMany(reply.value, how, removeKeys);
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

const texts = [
  ["event", "Event"],
  ["subscription", "Subscription"],
  ["workspace", "Workspace"],
  ["owner", "Owner"],
  ["error", "Error"],
] as const;

interface KeyFiltersProps {
  readonly query: KeyQuery;
  /** Actions on the matching keys. */
  readonly children: ComponentChildren;
}

function KeyFilters({ query, children }: KeyFiltersProps): VNode {
  const timer = useSignal<ReturnType<typeof setTimeout> | undefined>(undefined);
  const show = (change: Partial<KeyQuery>): void => goTo({ view: "keys", query: { ...query, page: 1, ...change } });
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()} aria-label="Filter">
      {texts
        .filter(([field]) => field !== "error" || query.state === "failed")
        .map(([field, name]) => (
          <label key={field}>
            <span>{name}</span>
            <input
              type="text"
              placeholder="any"
              spellcheck={false}
              autocomplete="off"
              value={query[field]}
              onInput={({ currentTarget: { value } }) => {
                clearTimeout(timer.value);
                timer.value = setTimeout(() => show({ [field]: value }), TYPING_MS);
              }}
            />
          </label>
        ))}
      <label>
        <span>State</span>
        <select
          value={query.state}
          onChange={({ currentTarget: { value } }) =>
            show({ error: "", state: KEY_STATES.find((state) => state === value) ?? "" })
          }
        >
          <option value="">any</option>
          {KEY_STATES.map((state) => (
            <option key={state} value={state}>
              {state}
            </option>
          ))}
        </select>
      </label>
      <button
        type="button"
        class="button"
        disabled={formatKeyQuery(query) === ""}
        onClick={() => goTo({ view: "keys", query: ALL_KEYS })}
      >
        Show all
      </button>
      {children}
    </form>
  );
}

const columns: readonly SortableColumn<KeyColumn>[] = [
  { column: "event", name: "Event, key" },
  { column: "subscription", name: "Subscription" },
  { column: "state", name: "State" },
  { column: "owner", name: "Owner" },
  { column: "attempt", name: "Attempt", isNumber: true },
  { column: "fence", name: "Fence", isNumber: true },
  { column: "written", name: "Written", isNumber: true },
];

interface KeyTableProps {
  readonly page: KeyPage;
  readonly shared: SharedNames;
  readonly query: KeyQuery;
}

function KeyTable({ page, shared, query }: KeyTableProps): VNode {
  const isOfFailed = query.state === "failed";
  const shown = columns
    .filter(({ column }) => column !== "subscription" || shared.subscription === undefined)
    .map((one) => (isOfFailed && one.column === "written" ? { ...one, name: "Failed" } : one));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section class="scroller panel" aria-label="All keys" tabIndex={0}>
      <table class={isOfFailed ? "attempt-table key-table failed-table" : "attempt-table key-table"}>
        <SortableHead
          columns={shown}
          order={{ column: query.sort, isDown: query.isDown }}
          isDownFirst={(column) => column === "written"}
          onSort={({ column, isDown }) => goTo({ view: "keys", query: { ...query, sort: column, isDown, page: 1 } })}
        />
        <tbody>
          {page.rows.map((row) => (
            <Row key={row.identity.storeKey} row={row} shared={shared} />
          ))}
        </tbody>
      </table>
      {page.rows.length === 0 && (
        <p class="empty">{page.total === 0 ? emptyWords(query) : "No key matches the filter."}</p>
      )}
    </section>
  );
}

function emptyWords({ state }: KeyQuery): string {
  return state === "failed" ? "No dispatch has failed lately, or each was repeated." : "The store contains no key.";
}

function Row({ row, shared }: { row: KeyRow; shared: SharedNames }): VNode {
  const { identity, owner, attempt, fence, atMs, error } = row;
  return (
    <tr>
      <IdentityCells identity={identity} shared={shared} />
      <td class="state">
        <KeyChip row={row} />
        {error !== "" && (
          <span class="under soft error" title={error}>
            {error}
          </span>
        )}
      </td>
      <td class="owner">
        <Name text={owner} prefix={shared.ownerPrefix} />
      </td>
      <td class="attempt number">{attempt}</td>
      <td class="fence number">
        <CopyableNumber value={fence} what="fence" />
      </td>
      <td class="written number" title={exactTime(atMs)}>
        {span(Math.max(0, nowMs.value - atMs))} ago
      </td>
    </tr>
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
