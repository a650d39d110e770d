/** What happens to the signed-in account, pushed by the Service over `/v1/stream`. */
import type { Balance, Deposit, Fill, Order, Withdrawal } from "../api/types.ts";
import { Connection, type ConnectionState } from "./connection.ts";

export interface AccountListener {
  /** The connection is (again) there: what was read before it may have missed something, so read again. */
  opened?: () => void;
  balances?: (balances: Balance[]) => void;
  order?: (order: Order) => void;
  trade?: (trade: Fill) => void;
  deposit?: (deposit: Deposit) => void;
  withdrawal?: (withdrawal: Withdrawal) => void;
}

type Push =
  | { type: "hello" }
  | { type: "balances"; balances: Balance[] }
  | { type: "order"; order: Order }
  | { type: "trade"; trade: Fill }
  | { type: "deposit"; deposit: Deposit }
  | { type: "withdrawal"; withdrawal: Withdrawal };

const lingerMilliseconds = 2_000;

class AccountFeed {
  #listeners = new Set<AccountListener>();
  #linger: ReturnType<typeof setTimeout> | undefined;
  #connection = new Connection("/v1/stream", {
    opened: () => {
      for (const listener of this.#listeners) listener.opened?.();
    },
    message: (message) => this.#dispatch(message as Push),
  });

  get state(): ConnectionState {
    return this.#connection.state;
  }

  listen(listener: () => void): () => void {
    return this.#connection.listen(listener);
  }

  subscribe(listener: AccountListener): () => void {
    clearTimeout(this.#linger);
    this.#listeners.add(listener);
    this.#connection.open();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearTimeout(this.#linger);
      this.#linger = setTimeout(() => this.stop(), lingerMilliseconds);
    };
  }

  /** Ends at once, on sign-out. */
  stop(): void {
    clearTimeout(this.#linger);
    this.#connection.close();
  }

  #dispatch(push: Push): void {
    for (const listener of this.#listeners) {
      if (push.type === "balances") listener.balances?.(push.balances);
      else if (push.type === "order") listener.order?.(push.order);
      else if (push.type === "trade") listener.trade?.(push.trade);
      else if (push.type === "deposit") listener.deposit?.(push.deposit);
      else if (push.type === "withdrawal") listener.withdrawal?.(push.withdrawal);
    }
  }
}

export const accountFeed = new AccountFeed();
