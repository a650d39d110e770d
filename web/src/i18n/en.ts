/** English: the catalogue that every other language must fill, key by key (a missing one is a type error). */
import { account } from "./en/account.ts";
import { decisions } from "./en/decisions.ts";
import { errors } from "./en/errors.ts";
import { market } from "./en/market.ts";
import { money } from "./en/money.ts";
import { privacy } from "./en/privacy.ts";
import { rights } from "./en/rights.ts";
import { accountSecurity } from "./en/accountSecurity.ts";
import { shell } from "./en/shell.ts";

export const en = { ...shell, ...market, ...account, ...money, ...privacy, ...rights, ...accountSecurity, ...decisions, errors };

export type Catalogue = typeof en;
