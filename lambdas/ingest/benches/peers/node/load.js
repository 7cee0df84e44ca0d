// Loads a CSV object into a DynamoDB table: node load.js BUCKET OBJECT TABLE

import { setTimeout as sleep } from "node:timers/promises";
import { createInterface } from "node:readline";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { BatchWriteCommand, DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { parse } from "csv-parse";

const BATCH = 25;
const IN_FLIGHT = 8;
const NUMBERS = ["price", "stock", "weight"];
const BOOLEANS = ["active"];

const [bucket, object, table] = process.argv.slice(2);
const s3 = new S3Client({ forcePathStyle: true });
const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({ maxAttempts: 8 }));

// The parser's own `cast` describes each cell to a callback, and doubles the CPU of the whole load.
function cast(item) {
  for (const name of NUMBERS) item[name] = Number(item[name]);
  for (const name of BOOLEANS) item[name] = item[name] === "true";
  return item;
}

async function write(items) {
  let requests = items.map((Item) => ({ PutRequest: { Item } }));
  for (let attempt = 0; ; attempt++) {
    const command = new BatchWriteCommand({ RequestItems: { [table]: requests } });
    const { UnprocessedItems } = await dynamodb.send(command);
    requests = UnprocessedItems?.[table] ?? [];
    if (requests.length === 0) return;
    await sleep(Math.random() * Math.min(5000, 50 * 2 ** attempt));
  }
}

async function load() {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: object }));
  const parser = parse({ columns: true });
  Body.on("error", (error) => parser.destroy(error)).pipe(parser);

  const inFlight = new Set();
  const start = async (items) => {
    while (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
    const batch = write(items).then(() => inFlight.delete(batch));
    inFlight.add(batch);
  };

  let rows = 0;
  let items = [];
  for await (const item of parser) {
    rows += 1;
    items.push(cast(item));
    if (items.length === BATCH) {
      await start(items);
      items = [];
    }
  }
  if (items.length > 0) await start(items);
  await Promise.all(inFlight);
  return rows;
}

const commands = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
console.log("ready");
await commands.next();
console.log(`loaded ${await load()}`);
await commands.next();
