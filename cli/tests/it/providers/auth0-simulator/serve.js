// Serves the Auth0 simulator at a port of 127.0.0.1 until standard input closes. Prints its issuer when it is ready.
//
// Its certificate and key, for localhost, are in .simulacrum/certs below HOME.
import { createRequire } from "node:module";

// As the package's own command does: its ES module cannot sign a token.
const { simulation } = createRequire(import.meta.url)("@simulacrum/auth0-simulator");

const { port } = await simulation({ options: { scope: "read:items" } }).listen(0, "127.0.0.1");
process.stdin.resume().on("end", () => process.exit());
console.log(`https://localhost:${port}/`);
