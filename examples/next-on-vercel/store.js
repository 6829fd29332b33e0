import { Redis } from "@upstash/redis";

const redis = Redis.fromEnv();

export const store = {
  get: (key) => redis.get(key),
  set: (key, value, { ttl }) => redis.set(key, value, { ex: ttl }),
  add: async (key, value, { ttl }) => (await redis.set(key, value, { ex: ttl, nx: true })) === "OK",
};
