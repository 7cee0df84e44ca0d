// Serves oidc-provider at a port of 127.0.0.1 until standard input closes. Prints its issuer when it is ready.
//
// The argument is a folder. The private keys of clients go there, as an administrator would download them.
//
// Lines on standard input change the provider. The answer to each is the same line.
// - rotate: replaces all keys.
// - accept METHOD...: lets clients authenticate by these methods only.
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";

const ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"];
const KINDS = {
  ec: ["ec", { namedCurve: "P-256" }],
  ed: ["ed25519"],
  rsa: ["rsa", { modulusLength: 2048 }],
};

const folder = process.argv[2];

// The provider's notices are no answers.
console.info = console.warn;

const clients = [
  // Basic authentication encodes most of these characters.
  client("client:basic", "client_secret_basic", { client_secret: "s:e c+r/t%2B&=" }),
  client("client-post", "client_secret_post", { client_secret: "s:e c+r/t%2B&=" }),
  clientWithKey("ec", "ES256"),
  clientWithKey("rsa", "PS256"),
  clientWithKey("ed", "EdDSA"),
];

function client(id, method, rest) {
  return {
    client_id: id,
    token_endpoint_auth_method: method,
    grant_types: ["client_credentials"],
    redirect_uris: [],
    response_types: [],
    ...rest,
  };
}

// Returns a client that signs its assertions with one algorithm, and writes its private key as PEM and as a JWK.
function clientWithKey(kind, alg) {
  const id = `client-${kind}`;
  const { privateKey, publicKey } = generateKeyPairSync(...KINDS[kind]);
  const asJwk = (key) => ({ ...key.export({ format: "jwk" }), kid: id, alg, use: "sig" });
  writeFileSync(join(folder, `${id}.pem`), privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
  writeFileSync(join(folder, `${id}.json`), JSON.stringify(asJwk(privateKey)), { mode: 0o600 });
  return client(id, "private_key_jwt", {
    token_endpoint_auth_signing_alg: alg,
    jwks: { keys: [asJwk(publicKey)] },
  });
}

// The RSA key is for RS256 and PS256, so it names no algorithm.
function newKeys(generation) {
  return Object.entries(KINDS).map(([kind, options]) => ({
    ...generateKeyPairSync(...options).privateKey.export({ format: "jwk" }),
    kid: `${kind}-${generation}`,
    use: "sig",
  }));
}

// The resource https://items.example.test/ALG has tokens that are signed with ALG.
function resourceServer(_context, resource) {
  const alg = resource.split("/").pop();
  const format = ALGORITHMS.includes(alg)
    ? { accessTokenFormat: "jwt", jwt: { sign: { alg } } }
    : { accessTokenFormat: "opaque" };
  return { scope: "read:items write:items", audience: resource, ...format };
}

// Tells by which method the client has authenticated. The provider does not tell client_secret_basic from
// client_secret_post.
function authentication(context) {
  if (context.headers.authorization) return "client_secret_basic";
  return context.oidc.body.client_assertion ? "private_key_jwt" : "client_secret_post";
}

// The provider changes what it is given, so it gets copies.
function newProvider(issuer, keys, methods) {
  const accepted = clients.filter((client) => methods.includes(client.token_endpoint_auth_method));
  const provider = new Provider(issuer, {
    clients: structuredClone(accepted),
    jwks: { keys: structuredClone(keys) },
    clientAuthMethods: [...methods],
    enabledJWA: { clientAuthSigningAlgValues: [...ALGORITHMS], idTokenSigningAlgValues: [...ALGORITHMS] },
    extraTokenClaims: (context) => ({ authenticated_by: authentication(context) }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo: resourceServer,
      },
    },
  });
  return provider.callback();
}

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  let generation = 1;
  let keys = newKeys(generation);
  let methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
  let answer = newProvider(issuer, keys, methods);
  server.on("request", (request, response) => answer(request, response));

  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    const [word, ...rest] = line.split(" ");
    if (word === "rotate") keys = newKeys((generation += 1));
    if (word === "accept") methods = rest;
    answer = newProvider(issuer, keys, methods);
    console.log(line);
  });
  lines.on("close", () => process.exit());
  console.log(issuer);
});
