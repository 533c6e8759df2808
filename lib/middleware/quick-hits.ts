import type { NextFunction, Request, Response } from 'express';
import { type CacheCore, recordUse } from '../cache/cache-core.js';
import type { CacheCounters } from '../cache/cache-stats.js';
import { isTraced } from '../cache/lookup-trace.js';
import type { ResourceLookup } from '../cache/resource-lookup.js';
import type { StoredResponse } from '../cache/stored-response.js';
import type { Sight } from '../store/entry-store.js';
import type { Found } from '../store/stored-entry.js';
import { deliver, joinsOuter } from './deliver-response.js';
import { isInternalDispatch } from './internal-dispatch.js';
import { sendHit, takesForms } from './known-answer.js';
import { formFor, hitNews, keptOn } from './prepared-head.js';
import { isSecure, ownTags, type QuickHit, statusFor } from './quick-hit.js';
import { bodyAtHand, representationFor } from './representation.js';
import type { RequestView } from './request-view.js';
import type { ResponseCacheConfig } from './response-cache-options.js';
import { isFilling, markServed, type ServedByCache } from './served-by-cache.js';
import { sendPrepared } from './whole-answer.js';

/** A hit that went the whole way, as told to {@link QuickHits.learn}. */
export interface SlowHit {
  readonly core: CacheCore;
  readonly counters: CacheCounters;
  readonly req: Request;
  readonly view: RequestView;
  readonly served: ServedByCache;
}

/** Where the entry that answers a target stands: among those of this process, or elsewhere; or which key was left alone. */
export type Place = number | Sight | LeftAlone;

/** A target whose key is known not to be for storing. */
export class LeftAlone {
  constructor(
    /** The key. */
    readonly text: string,
    readonly isSecure: boolean,
    readonly counters: CacheCounters,
  ) {}
}

const MAX_PLACES = 8192;
const MAX_URL_LENGTH = 512;
const MAX_HOSTS = 32;

/**
 * Answers targets that had a hit before without taking them apart again. What is remembered of a target is where its entry
 * stands; the store is asked each time whether it still stands there and may be used, so nothing can be served that a
 * lookup would not find.
 */
export class QuickHits {
  readonly #core: CacheCore;
  readonly #config: ResponseCacheConfig;
  readonly #places = new Map<string | undefined, Map<string, Place>>();
  #count = 0;

  constructor(core: CacheCore, config: ResponseCacheConfig) {
    this.#core = core;
    this.#config = config;
  }

  /** What is known of the target of a GET that bypasses nothing. `undefined`: the long way it is. */
  placeOf(req: Request, res: Response): Place | undefined {
    const place = this.#places.get(req.headers.host)?.get(req.originalUrl);
    return place === undefined || isFilling(res, this.#core) || isTraced(this.#core.log) ? undefined : place;
  }

  /** Whether a target is still to be left alone. */
  leavesAlone(target: LeftAlone, req: Request): boolean {
    const { uncacheable, store } = this.#core;
    if (req.headers.range !== undefined || target.isSecure !== isSecure(req) || isInternalDispatch(req)) return false;
    return uncacheable.leavesKeyAlone(target, store.now());
  }

  /** Remembers a target that is left alone. */
  learnAlone(req: Request, { text }: RequestView, counters: CacheCounters): void {
    const { headers, originalUrl: url } = req;
    if (url.length <= MAX_URL_LENGTH) this.#remember(headers.host, url, new LeftAlone(text, isSecure(req), counters));
  }

  /** Answers from this process. `false`, and nothing done: the long way it is. */
  answer(place: number, req: Request, res: Response): boolean {
    const { store } = this.#core;
    const now = store.now();
    const hit = this.#give(store.at?.(place, now)?.found, req, res, now);
    if (hit === undefined) return false;
    hit.counters.lookup.addNothing();
    hit.counters.memoryHits += 1;
    return true;
  }

  /** Answers once the store has looked again, or goes on by `otherwise`. `false`: it cannot look now. */
  ask(sight: Sight, req: Request, res: Response, otherwise: NextFunction): boolean {
    const { store } = this.#core;
    const askedAt = store.now();
    return (
      store.lookAgain?.(sight, (found) => {
        try {
          const now = store.now();
          const hit = this.#give(found, req, res, now);
          if (hit === undefined) return otherwise();
          hit.counters.lookup.addMs(now - askedAt);
          hit.counters.redisHits += 1;
        } catch (error) {
          otherwise(error);
        }
      }) === true
    );
  }

  #give(found: Found | undefined, req: Request, res: Response, now: number): QuickHit | undefined {
    if (found === undefined || found.softAt !== undefined) return undefined;
    const response = found.entry.view as StoredResponse | undefined;
    const hit = response?.quick as QuickHit | undefined;
    if (response === undefined || hit === undefined || !this.#isFor(hit, req) || now >= response.freshUntil)
      return undefined;
    const status = statusFor(hit, response, req.headers['if-none-match']);
    if (status === undefined || !this.#send(req, res, response, hit, status, now)) return undefined;
    recordUse(this.#core, hit.label, hit.groups);
    return hit;
  }

  /** Remembers a fresh answer that was given to a GET: the whole, or that it did not change. */
  learn({ core, counters, req, view, served }: SlowHit, resource: ResourceLookup, response: StoredResponse): void {
    const { headers, originalUrl: url } = req;
    const place = core.store.placeOf?.(resource.lookup) ?? resource.lookup.sight;
    if (place === undefined || resource.key.variant !== '' || url.length > MAX_URL_LENGTH || isInternalDispatch(req))
      return;
    if (resource.found?.softAt !== undefined || headers.range !== undefined || view.isHead) return;
    const form = representationFor(response, headers);
    const hit: QuickHit = {
      owner: this,
      host: headers.host,
      url,
      isSecure: isSecure(req),
      acceptEncoding: headers['accept-encoding'],
      form,
      counters,
      served,
      label: view.label,
      groups: view.groups,
      tags: ownTags(form, response),
    };
    response.quick = hit;
    this.#remember(headers.host, url, place);
  }

  #isFor(hit: QuickHit, req: Request): boolean {
    const { headers } = req;
    return (
      hit.owner === this &&
      hit.url === req.originalUrl &&
      hit.host === headers.host &&
      hit.acceptEncoding === headers['accept-encoding'] &&
      hit.isSecure === isSecure(req) &&
      headers.authorization === undefined &&
      headers.range === undefined &&
      headers['if-modified-since'] === undefined &&
      !isInternalDispatch(req)
    );
  }

  #send(req: Request, res: Response, response: StoredResponse, hit: QuickHit, status: number, now: number): boolean {
    const { form } = hit;
    if (!takesForms(res)) return this.#deliver(req, res, response, hit, now);
    const head = status === 304 ? form.unchanged?.head : form.head;
    if (head === undefined) return false;
    const body = status === 304 ? undefined : bodyAtHand(form, response, this.#core.decodedBodies);
    if (status !== 304 && body === undefined) return false;
    const { statusHeader } = this.#config;
    const [age, ttl] = [response.ageSeconds(now), response.ttlSeconds(now)];
    const known = formFor(head, keptOn(res), statusHeader);
    if (known === undefined) {
      // Fields of this request, such as those of a limiter: the head is written anew.
      if (joinsOuter(res, form.varies)) return false;
      sendPrepared(res, status, head, hitNews(age, ttl, statusHeader), body);
    } else if (!sendHit(res, status, known, age, ttl, body)) return false;
    markServed(res, hit.served);
    return true;
  }

  // Somebody replaced writeHead, as cacheHeaders and compression do: they get the head the documented way.
  #deliver({ headers }: Request, res: Response, response: StoredResponse, hit: QuickHit, now: number): boolean {
    if (bodyAtHand(hit.form, response, this.#core.decodedBodies) === undefined) return false;
    const { statusHeader } = this.#config;
    const member = hitNews(0, response.ttlSeconds(now), statusHeader).cacheStatus;
    markServed(res, hit.served);
    const delivery = {
      core: this.#core,
      response,
      requestFields: headers,
      isHead: false,
      now,
      word: 'hit',
      statusHeader,
      member,
    };
    return deliver(res, delivery) === true;
  }

  #remember(host: string | undefined, url: string, place: Place): void {
    if (this.#count >= MAX_PLACES || this.#places.size >= MAX_HOSTS) this.#forget();
    let places = this.#places.get(host);
    if (places === undefined) {
      places = new Map();
      this.#places.set(host, places);
    }
    if (!places.has(url)) this.#count += 1;
    places.set(url, place);
  }

  // Whatever is asked for is soon remembered again.
  #forget(): void {
    this.#places.clear();
    this.#count = 0;
  }
}
