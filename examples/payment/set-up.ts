import { schemaSql } from "latchkey/postgres";
import pg from "pg";

// Creates the tables of Latchkey and of this example, once, as a migration does. Running it again changes nothing.

const client = new pg.Client({ connectionString: process.env["DATABASE_URL"] });
await client.connect();
await client.query(schemaSql());
await client.query(`
  create table if not exists accounts (name text primary key, cents integer not null check (cents >= 0));
  insert into accounts values ('ada', 10000) on conflict do nothing;
`);
await client.end();
console.log("created the tables; ada has 10000 cents");
