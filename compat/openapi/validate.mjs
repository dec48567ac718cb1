// Reads an OpenAPI document from standard input and says what is wrong with it. Exit status 0: nothing is.
import { Validator } from "@seriousme/openapi-schema-validator";
import { text } from "node:stream/consumers";

const validator = new Validator();
const { valid, errors } = await validator.validate(JSON.parse(await text(process.stdin)));
if (!valid || validator.version !== "3.1") {
  console.log(validator.version, JSON.stringify(errors, null, 1));
  process.exit(1);
}
