import type { ConsumerConfig, ConsumerInfo } from "@nats-io/jetstream";

/** A setting of the consumer that an operator changed. Durations are in nanoseconds. */
export interface SettingChange {
  /** Name of the setting, as in the server's API; `created` if the consumer was deleted and created again. */
  readonly setting: string;
  /** Earlier value, or `undefined` if there was none. */
  readonly from: unknown;
  /** New value, or `undefined` if there is none. */
  readonly to: unknown;
}

/** Returns the settings that differ. */
export function settingChanges(before: ConsumerInfo, after: ConsumerInfo): readonly SettingChange[] {
  const changes: SettingChange[] = [];
  if (before.created !== after.created) {
    changes.push({ setting: "created", from: before.created, to: after.created });
  }
  const [from, to] = [entriesOf(before.config), entriesOf(after.config)];
  for (const setting of new Set([...from.keys(), ...to.keys()])) {
    const [was, is] = [from.get(setting), to.get(setting)];
    if (JSON.stringify(was) !== JSON.stringify(is)) changes.push({ setting, from: was, to: is });
  }
  return changes;
}

/** Settings that do not concern how messages are delivered. */
const IGNORED: ReadonlySet<string> = new Set(["metadata", "description"]);

function entriesOf(config: ConsumerConfig): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(config).filter(([setting]) => !IGNORED.has(setting)));
}
