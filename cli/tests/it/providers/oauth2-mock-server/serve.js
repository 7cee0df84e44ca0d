// Serves oauth2-mock-server at a port of 127.0.0.1 until standard input closes. Prints its issuer when it is ready.
//
// The line "rotate" on standard input adds a key, which signs the next token. The answer is the same line.
import { createInterface } from "node:readline";
import { OAuth2Server } from "oauth2-mock-server";

const server = new OAuth2Server();
await server.issuer.keys.generate("RS256");
// A token has no audience unless its user adds one, as the server's documentation shows.
server.service.on("beforeTokenSigning", ({ payload }, { body }) => {
  payload.aud = body.audience;
});
await server.start(0, "127.0.0.1");

const lines = createInterface({ input: process.stdin });
lines.on("line", async (line) => {
  await server.issuer.keys.generate("RS256");
  // The keys take turns, and the new one is last.
  server.issuer.keys.get();
  console.log(line);
});
lines.on("close", () => process.exit());
console.log(server.issuer.url);
