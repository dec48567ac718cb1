// All nouns that have lists and pages. A noun says its address at the API, what it is called, and what of it can be changed.
import { apis, roles } from "./access.js";
import { applications } from "./applications.js";
import { connections } from "./connections.js";
import { domains } from "./domains.js";
import { flows, forms } from "./forms.js";
import { groups } from "./groups.js";
import { organizations } from "./organizations.js";
import { eventStreams, logStreams } from "./streams.js";

export const nouns = [applications, apis, connections, roles, organizations, groups, forms, flows, logStreams, eventStreams, domains];
