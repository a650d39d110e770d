/** Ukrainian. Its type is the English catalogue's: a missing key does not compile. */
import type { Catalogue } from "./en.ts";
import { account } from "./uk/account.ts";
import { decisions } from "./uk/decisions.ts";
import { errors } from "./uk/errors.ts";
import { market } from "./uk/market.ts";
import { money } from "./uk/money.ts";
import { privacy } from "./uk/privacy.ts";
import { rights } from "./uk/rights.ts";
import { accountSecurity } from "./uk/accountSecurity.ts";
import { shell } from "./uk/shell.ts";

export const uk: Catalogue = { ...shell, ...market, ...account, ...money, ...privacy, ...rights, ...accountSecurity, ...decisions, errors };
