import { isQueue } from "../delivery/queue-address.ts";
import { openPoster, type Poster, type PosterOptions } from "./post.ts";
import { openQueuePoster, type QueuePosterOptions } from "./queue-poster.ts";

/**
 * Sends to apps over HTTP and to queues: the one place that tells them apart. What a queue needs is loaded only if there is one
 * among these targets; throws a UserError where it is not installed.
 */
export async function openTargets(
  targets: readonly string[],
  options: PosterOptions & QueuePosterOptions,
): Promise<Poster> {
  if (!targets.some(isQueue)) return openPoster(options);
  const queues = await openQueuePoster(options);
  const apps = await openPoster(options);
  const posterOf = (url: string): Poster => (isQueue(url) ? queues : apps);
  return {
    post: (delivery, postOptions) => posterOf(delivery.url).post(delivery, postOptions),
    isDirect: (url) => posterOf(url).isDirect(url),
    close: async () => void (await Promise.all([queues.close(), apps.close()])),
  };
}
