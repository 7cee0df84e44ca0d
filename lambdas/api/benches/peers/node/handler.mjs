// The API for an Application Load Balancer with multi-value headers, as a Node.js function.

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { BatchGetCommand, DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import { JwtVerifier } from "aws-jwt-verify";

const { ITEMS_TABLE: table, KEY_NAME: key, ISSUERS: issuers } = process.env;
const [{ issuer, audiences: audience, jwks_uri: jwksUri, scope }] = JSON.parse(issuers);
const ITEM = /^\/v1\/items\/([^/]+)$/;

const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const verifier = JwtVerifier.create({ issuer, audience, jwksUri, scope });
// Outside the handler, because Lambda gives more CPU during initialization.
await verifier.hydrate();

function answer(status, body) {
  const type = status < 400 ? "application/json" : "application/problem+json";
  return {
    statusCode: status,
    multiValueHeaders: { "content-type": [type], "cache-control": ["no-store"] },
    body: JSON.stringify(body),
    isBase64Encoded: false,
  };
}

const problem = (status, title) => answer(status, { type: "about:blank", title, status });

// Removes the attribute that a load adds.
const toJsonItem = ({ "restctl:load": _, ...item }) => item;

async function isAuthorized(event) {
  const [authorization, ...more] = event.multiValueHeaders?.authorization ?? [];
  if (!authorization?.startsWith("Bearer ") || more.length > 0) return false;
  try {
    await verifier.verify(authorization.slice("Bearer ".length));
    return true;
  } catch {
    return false;
  }
}

async function getItem(id) {
  const { Item } = await dynamodb.send(new GetCommand({ TableName: table, Key: { [key]: id } }));
  return Item ? answer(200, toJsonItem(Item)) : problem(404, "Item not found");
}

async function batchGet(event) {
  const text = event.isBase64Encoded ? Buffer.from(event.body, "base64").toString() : event.body;
  const ids = [...new Set(JSON.parse(text).ids)];
  const found = new Map();
  let requests = { [table]: { Keys: ids.map((id) => ({ [key]: id })) } };
  while (requests[table]?.Keys.length > 0) {
    const output = await dynamodb.send(new BatchGetCommand({ RequestItems: requests }));
    for (const item of output.Responses[table] ?? []) found.set(item[key], toJsonItem(item));
    requests = output.UnprocessedKeys ?? {};
  }
  return answer(200, {
    items: ids.filter((id) => found.has(id)).map((id) => found.get(id)),
    missing: ids.filter((id) => !found.has(id)),
  });
}

export async function handler(event) {
  if (!(await isAuthorized(event))) return problem(401, "A token is required");
  const { httpMethod: method, path } = event;
  if (method === "POST" && path === "/v1/items/batch-get") return batchGet(event);
  const id = ITEM.exec(path)?.[1];
  if (method === "GET" && id) return getItem(decodeURIComponent(id));
  return problem(404, "Unknown path");
}
