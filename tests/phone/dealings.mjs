// One deal after another between the same two people, each left in another state of an order's life.
import { control } from "../miniprogram/people.mjs";
import { Desk } from "./neighbours.mjs";

const DAY_MINUTES = 1440;

/** As if so many minutes had passed for an order, and for its rating. */
export const wait = (minutes, { order_id: id }) => control("pass", `${minutes}/${id}`);

/**
 * @param owner whose things they are @param buyer who orders them
 * @param things {many: of many seats and with a deposit, asked: whose owner is asked first, strict: whose owner keeps something}
 * @returns {{[state: string]: object}} orders as the buyer sees them, by a name for what has become of them
 */
export async function dealings(owner, buyer, { many, asked, strict }) {
  const operator = await Desk.of("operator");
  const handOver = async (order) => owner.does("start", order, { code: (await buyer.sees(order)).code });
  const giveBack = async (order) => buyer.does("return", order, { code: (await owner.sees(order)).code });
  const used = async () => {
    const order = await buyer.orders(many);
    await handOver(order);
    return order;
  };
  const returned = async () => {
    const order = await used();
    await giveBack(order);
    return order;
  };
  const claimed = async () => {
    const order = await returned();
    const objects = [await owner.photo(20), await owner.photo(40)];
    await owner.does("claim", order, { amount_fen: 2300, reason: "钻头断了一支，手提箱的锁扣也坏了，附照片。", objects });
    return order;
  };
  const disputed = async () => {
    const order = await claimed();
    await buyer.does("contest", order, { reason: "拿到的时候锁扣就是坏的。", objects: [await buyer.photo(200)] });
    return order;
  };

  const makers = {
    requested: () => buyer.orders(asked, { paid: false, inHours: 30 }),
    unpaid: () => buyer.orders(many, { paid: false }),
    hurried: async () => {
      const order = await buyer.orders(many, { paid: false });
      await wait(13, order);
      return order;
    },
    expired: async () => {
      const order = await buyer.orders(many, { paid: false });
      await wait(16, order);
      return buyer.until(order.order_id, ({ state }) => state === "expired");
    },
    declined: async () => {
      const order = await buyer.orders(asked, { paid: false, inHours: 54 });
      await owner.does("decline", order, { reason: "那天我自己要用，抱歉。" });
      return order;
    },
    ready: () => buyer.orders(many),
    later: async () => {
      const order = await buyer.orders(strict, { inHours: 72, hours: 48 });
      await wait(30, order);
      return order;
    },
    cancelled: async () => {
      const order = await buyer.orders(strict, { inHours: 240, hours: 24 });
      await wait(5 * DAY_MINUTES, order);
      await buyer.does("cancel", order, { reason: "行程改了，用不上了。" });
      return order;
    },
    lapsed: async () => {
      const order = await buyer.orders(many);
      await wait(125, order);
      return buyer.until(order.order_id, ({ state }) => state === "cancelled");
    },
    used,
    longer: async () => {
      const order = await used();
      await buyer.does("extend", order, { end_ms: order.end_ms + 3_600_000 });
      return order;
    },
    overdue: async () => {
      const order = await used();
      await wait(280, order);
      return order;
    },
    returned,
    claimed,
    disputed,
    settled: async () => {
      const order = await disputed();
      await operator.does("decide", order, { decision: "split", rent_back_fen: 0, deposit_kept_fen: 1000 });
      return order;
    },
    refunded: async () => {
      const order = await used();
      await buyer.does("dispute", order, { reason: "打开箱子发现开不了机。" });
      await operator.does("decide", order, { decision: "refund" });
      return order;
    },
    completed: async () => {
      const order = await returned();
      await owner.does("accept", order);
      return order;
    },
    late: async () => {
      const order = await used();
      await wait(200, order);
      await giveBack(order);
      await owner.does("accept", order);
      return order;
    },
  };
  const found = {};
  await Promise.all(Object.entries(makers).map(async ([name, make]) => {
    found[name] = await make();
  })); // prettier-ignore
  return found;
}
