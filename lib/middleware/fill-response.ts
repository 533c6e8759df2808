import type { NextFunction, Request, Response } from 'express';
import type { CacheCore } from '../cache/cache-core.js';
import { type CacheCounters, tally } from '../cache/cache-stats.js';
import type { FlightOutcome } from '../cache/flights.js';
import { groupLabel, tagGroup } from '../cache/group-names.js';
import { appendMember, type ForwardReason, forwardMember } from '../cache/http/cache-status.js';
import type { Freshness } from '../cache/http/freshness.js';
import { cacheGroups, serializeGroups } from '../cache/http/groups.js';
import { fieldValue, type HeaderFields } from '../cache/http/header-fields.js';
import { selectsStored, updateStoredFields } from '../cache/http/not-modified.js';
import type { CachePolicy } from '../cache/http/targeted.js';
import { CONDITIONAL_REQUEST_FIELDS, evaluatePreconditions, validationFields } from '../cache/http/validators.js';
import { parseVary, unionOfNames } from '../cache/http/vary.js';
import { storeResponse } from '../cache/http-cache.js';
import type { ResourceLookup } from '../cache/resource-lookup.js';
import {
  capturedCoding,
  compressedEntry,
  freshenedEntry,
  isWorthCompressing,
  plainEntry,
  responseEntry,
} from '../cache/response-entry.js';
import { type ResponseMeta, StoredResponse } from '../cache/stored-response.js';
import type { FillRight } from '../cache/turn.js';
import { type Deadlines, deadlinesIn } from '../common/deadlines.js';
import type { Fence, Lease } from '../store/entry-store.js';
import type { StoredEntry } from '../store/stored-entry.js';
import { assessHead, type HeadAssessment } from './assess-response.js';
import { CACHE_NAME } from './cache-name.js';
import { deliver } from './deliver-response.js';
import { memberFor } from './forward-member.js';
import { addedGroups } from './handler-tags.js';
import { type ObservedRequest, observeRequest } from './observed-request.js';
import { judgeReadings, NO_INPUT, UNWATCHED } from './reading-judgement.js';
import { redactedAnswer } from './redacted-answer.js';
import type { RequestView } from './request-view.js';
import type { ResponseCacheConfig } from './response-cache-options.js';
import { type AbandonReason, type CapturedHead, captureResponse, type HeadDecision } from './response-capture.js';
import { hideQuery } from './visible-url.js';

/** A request whose handler is about to run, and what may become of its answer. */
export interface Fill {
  readonly core: CacheCore;
  readonly config: ResponseCacheConfig;
  readonly counters: CacheCounters;
  readonly name: string;
  readonly req: Request;
  readonly res: Response;
  readonly next: NextFunction;
  readonly view: RequestView;
  readonly resource: ResourceLookup;
  /** Why the handler runs. */
  readonly forward: ForwardReason;
  readonly collapsed: boolean;
  /** The right to fill; without it the answer is stored only if `fence` tells that it may. */
  readonly right: FillRight | undefined;
  readonly fence: Fence | undefined;
  /** How it ended: the reason why nothing was stored, or `stored`. */
  readonly onSettled?: ((outcome: string, status: number | undefined) => void) | undefined;
}

/** How long nobody queues for a key whose answer turned out not to be for sharing. */
const UNCACHEABLE_MS = 10_000;

/** Runs the handler with a request that shows only what the key covers, and stores what it answers. */
export function fill(job: Fill): void {
  const { req, res, core, view } = job;
  const session = new FillSession(job);
  captureResponse(res, core.config.maxEntryBytes, session);
  session.begin();
  const restoreUrl = view.strippedUrl === undefined ? undefined : hideQuery(req, view.strippedUrl);
  if (restoreUrl !== undefined) res.once('finish', restoreUrl);
  job.next();
}

interface Assessment {
  readonly policy: CachePolicy;
  readonly freshness: Freshness;
  /** Why it is not stored, or `undefined`. */
  readonly refusal: string | undefined;
  /** Request fields that select it. */
  readonly fields: readonly string[];
}

class FillSession {
  readonly #job: Fill;
  readonly #startedAt: number;
  #observed: ObservedRequest | undefined;
  readonly #deadlines: Deadlines;
  #receivedAt = 0;
  #receivedWall = 0;
  #over = false;
  #revalidates = false;
  #status: number | undefined;
  #fields: readonly string[] = [];
  #said: HeadAssessment | undefined;

  constructor(job: Fill) {
    this.#job = job;
    this.#startedAt = job.core.store.now();
    this.#deadlines = deadlinesIn(job.config.leaseMs ?? job.core.config.leaseMs);
  }

  begin(): void {
    const { req, res, config, resource } = this.#job;
    const stored = resource.response;
    const added =
      stored === undefined
        ? undefined
        : validationFields({
            status: stored.status,
            etag: stored.handlerTag,
            lastModified: stored.lastModified,
            receivedAt: stored.storedAt,
          });
    this.#revalidates = added !== undefined && Object.keys(added).length > 0;
    this.#observed = observeRequest(req, res, {
      hidden: HIDDEN,
      added,
      watch: config.observe !== 'off',
      noInput: NO_INPUT,
      keepsPrototype: true,
    });
    this.#deadlines.set(this);
  }

  /** The lease is over. */
  expire(): void {
    this.#release('timeout', 'failed');
  }

  onBegin(status: number): boolean {
    // Only a 304 that this cache asked for is its own; the handler saw no condition of the client.
    return status === 304 && this.#revalidates;
  }

  onBelow(isBelow: boolean): void {
    this.#observed?.pause(isBelow);
  }

  onHead(head: CapturedHead): HeadDecision {
    const { core, res, config } = this.#job;
    this.#receivedAt = core.store.now();
    this.#receivedWall = core.clock.wallNow();
    this.#status = head.status;
    const assessment = this.#assess(head);
    const length = Number(fieldValue(head.fields, 'content-length') ?? 0);
    const refusal = assessment.refusal ?? (length > core.config.maxEntryBytes ? 'too-large' : undefined);
    this.#announce(refusal);
    if (config.groups) announceGroups(res, this.#groups(head.fields));
    if (refusal !== undefined) this.#release(refusal, 'uncacheable', head.status);
    return { keep: refusal === undefined, notModified: this.#clientHasIt(head) };
  }

  onComplete(head: CapturedHead, body: Buffer): void {
    const assessment = this.#assess(head);
    this.#stopWatching();
    const refusal = assessment.refusal ?? (this.#job.res.hasHeader('set-cookie') ? 'set-cookie' : undefined);
    if (refusal !== undefined) return this.#release(refusal, 'uncacheable', head.status);
    void this.#store(head, body, assessment);
  }

  onAbandoned(reason: AbandonReason): void {
    this.#stopWatching();
    if (reason === 'declined') return;
    this.#release(reason, reason === 'closed' ? 'failed' : 'uncacheable');
  }

  /** The handler said that the stored response is still good. */
  onSwallowed(head: CapturedHead): void {
    const { resource, core } = this.#job;
    this.#stopWatching();
    this.#receivedAt = core.store.now();
    this.#receivedWall = core.clock.wallNow();
    const stored = resource.found?.entry;
    const response = resource.response;
    if (stored === undefined || response === undefined) return;
    const fields = Object.fromEntries(response.fields);
    const matches = selectsStored(fields, head.fields);
    const updated = updateStoredFields(response.fields, head.fields);
    const entry = matches ? this.#freshen(stored, response, updated) : stored;
    this.#answerFrom(entry, matches);
  }

  #freshen(stored: StoredEntry, response: StoredResponse, fields: StoredResponse['fields']): StoredEntry {
    const { core } = this.#job;
    const headers: HeaderFields = Object.fromEntries(fields);
    const { freshness, refusal } = this.#assess({ status: response.status, all: headers });
    const entry = freshenedEntry(core, stored, fields, freshness, this.#receivedAt);
    const groups = [...new Set([...this.#groups(headers), ...stored.groups])];
    if (refusal === undefined) void this.#place({ ...entry, groups }, this.#resourceFields(), response.status);
    else this.#release(refusal, 'uncacheable', 304);
    return { ...entry, groups };
  }

  // The variant was selected by these fields already; a 304 does not change what the resource varies by.
  #resourceFields(): readonly string[] {
    const { core, view, resource } = this.#job;
    if (resource.key.variant === '') return [];
    return core.learnedVary.get(view.text) ?? resource.index?.fields ?? [];
  }

  #answerFrom(entry: StoredEntry, matches: boolean): void {
    const { core, res, view, config } = this.#job;
    const response = new StoredResponse(entry, entry.meta as ResponseMeta);
    const now = core.store.now();
    if (!matches) this.#release('validator-mismatch', 'failed', 304);
    const ttl = Math.floor((response.freshUntil - now) / 1000);
    const member = forwardMember(CACHE_NAME, {
      fwd: 'stale',
      fwdStatus: 304,
      stored: matches,
      ttl,
      collapsed: this.#job.collapsed,
    });
    void deliver(res, {
      core,
      response,
      requestFields: view.headers,
      isHead: view.isHead,
      now,
      word: 'miss',
      statusHeader: config.statusHeader,
      member,
    });
  }

  #assess(head: { readonly status: number; readonly all: HeaderFields }): Assessment {
    const { req, res, config, view } = this.#job;
    const said = assessHead({ req, res, config, view, receivedWall: this.#receivedWall }, head, this.#said);
    this.#said = said;
    const { policy, freshness, negotiated, selecting } = said;
    const observed = judgeReadings(this.#observed?.readings, config, view.identity !== undefined, negotiated);
    this.#report(observed.findings);
    const refusal = said.refusal ?? observed.refusal ?? this.#refusedByRoute();
    this.#fields = unionOfNames(selecting, observed.fields);
    return { policy, freshness, refusal, fields: this.#fields };
  }

  #refusedByRoute(): string | undefined {
    const { config, req, res } = this.#job;
    return config.shouldStore === undefined || config.shouldStore(req, res) ? undefined : 'route';
  }

  async #store(head: CapturedHead, body: Buffer, assessment: Assessment): Promise<void> {
    const { core, config } = this.#job;
    try {
      const answer = redactedAnswer(core, { fields: head.fields, body }, config.redact);
      if (answer === undefined) return this.#release('unredactable', 'uncacheable', head.status);
      const response = {
        status: head.status,
        ...answer,
        policy: assessment.policy,
        freshness: assessment.freshness,
        groups: this.#groups(head.fields),
        receivedAt: this.#receivedAt,
      };
      const coding = capturedCoding(head.fields, assessment.policy);
      const isPlain = coding === 'identity' || coding === 'opaque';
      const entry = isPlain ? plainEntry(core, response, coding) : await responseEntry(core, response);
      if (entry === undefined) return this.#release('undecodable', 'uncacheable', head.status);
      await this.#keep(entry, assessment, head.status);
    } catch (error) {
      // Tags of the route or the handler that are no tags end here: the answer is out, and nothing wrong is stored.
      core.log.warn('warmpath: response not stored:', error instanceof Error ? error.message : 'unknown error');
      this.#release('error', 'uncacheable', head.status);
    }
  }

  /** In memory at once, so that whoever waits waits no longer; elsewhere in the form it is to be kept in. */
  async #keep(entry: StoredEntry, assessment: Assessment, status: number): Promise<void> {
    const { core } = this.#job;
    const compress = isWorthCompressing(core, entry, assessment.policy);
    const now = compress && core.guard !== undefined ? ((await compressedEntry(entry)) ?? entry) : entry;
    const placed = await this.#place(now, assessment.fields, status);
    if (!compress || core.guard !== undefined) return;
    const smaller = await compressedEntry(entry);
    if (placed !== undefined && smaller !== undefined)
      await core.store.store(placed.key, smaller, placed.fence, undefined);
  }

  async #place(entry: StoredEntry, fields: readonly string[], status: number): Promise<Placed | undefined> {
    const { core, view, resource, right } = this.#job;
    const fence = right?.fence ?? this.#job.fence;
    if (fence === undefined) {
      this.#release('unleased', 'uncacheable', status);
      return undefined;
    }
    const lease: Lease | undefined = right?.lease;
    const { outcome, key } = await storeResponse(core, entry, {
      request: view,
      fields,
      language: negotiatedLanguage(entry),
      index: resource.index,
      fence,
      lease,
    });
    const stored = outcome === 'stored';
    if (stored) this.#job.counters.ttl.addMs((entry.meta as ResponseMeta).l - (entry.meta as ResponseMeta).a);
    this.#release(outcome, stored || outcome === 'overtaken' ? outcome : 'uncacheable', status);
    return stored ? { key, fence } : undefined;
  }

  #groups(fields: HeaderFields): readonly string[] {
    const { view, res, req, config } = this.#job;
    const late = config.lateTags?.(req, res).map(tagGroup) ?? [];
    const named = cacheGroups(fields).groups.map(tagGroup);
    return [...new Set([...view.groups, ...late, ...addedGroups(res), ...named])];
  }

  /** RFC 9110 §13: the client's own condition, judged by what the handler made. */
  #clientHasIt(head: CapturedHead): boolean {
    const { view } = this.#job;
    const stored = {
      status: head.status,
      etag: fieldValue(head.fields, 'etag'),
      lastModified: fieldValue(head.fields, 'last-modified'),
      receivedAt: this.#receivedWall,
    };
    return evaluatePreconditions(view.headers, stored) === 'not-modified';
  }

  #announce(refusal: string | undefined): void {
    const { res, config, forward, collapsed } = this.#job;
    if (config.statusHeader !== undefined) res.setHeader(config.statusHeader, 'miss');
    const member = memberFor(forward, refusal, refusal === undefined && this.#mayPlace(), collapsed);
    const before = res.getHeader('cache-status');
    res.setHeader('Cache-Status', before === undefined ? member : appendMember(before, member));
  }

  #mayPlace(): boolean {
    return this.#job.right !== undefined || this.#job.fence !== undefined;
  }

  #report(findings: readonly { readonly input: string; readonly settledBy: string }[]): void {
    const { counters, core, name } = this.#job;
    for (const { input, settledBy } of findings) {
      const known = counters.findings.get(input);
      if (known !== undefined) known.count += 1;
      else if (counters.findings.size < MAX_FINDINGS) {
        counters.findings.set(input, { settledBy, count: 1 });
        core.events.emit({ type: 'finding', cache: name, input, settledBy });
        core.log.warn(
          `warmpath: the handler of '${name}' reads ${input}, which its cache key does not cover: ${settledBy}`,
        );
      }
    }
  }

  #release(reason: string, outcome: FlightOutcome, status?: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadlines.clear(this);
    const { core, counters, name, right, onSettled } = this.#job;
    const durationMs = core.store.now() - this.#startedAt;
    const stored = outcome === 'stored';
    counters.fills += 1;
    counters.fill.addMs(durationMs);
    if (!stored) {
      tally(counters.notStored, reason);
      core.events.emit({ type: 'not-stored', cache: name, reason });
    }
    core.events.emit({ type: 'fill', cache: name, durationMs, stored });
    this.#learn(reason, outcome);
    // An error may be gone with the next request: those who wait run on their own, and nobody is kept from trying.
    right?.end(outcome, outcome === 'uncacheable' && !isFailure(reason, status) ? UNCACHEABLE_MS : 0);
    onSettled?.(stored ? 'stored' : reason, status);
  }

  /** What the next requests for this key can expect. */
  #learn(reason: string, outcome: FlightOutcome): void {
    const { core, view, resource } = this.#job;
    const now = core.store.now();
    const fields = unionOfNames(resource.index?.fields ?? [], this.#fields);
    if (outcome === 'stored') core.uncacheable.stored(view, fields, now);
    // Where something is stored, if stale, it may still be good for something.
    if (outcome !== 'uncacheable' || this.#status === undefined || resource.response !== undefined) return;
    core.uncacheable.refused(view, reason, this.#status, fields, now);
  }

  #stopWatching(): void {
    this.#observed?.stop();
    this.#observed = undefined;
  }
}

/** The one language of a response that says it was chosen by `Accept-Language`. */
function negotiatedLanguage(entry: StoredEntry): string | undefined {
  const stored = (entry.meta as ResponseMeta).f;
  if (!stored.some(([name]) => name === 'content-language')) return undefined;
  const fields: HeaderFields = Object.fromEntries(stored);
  if (!parseVary(fields).names.includes('accept-language')) return undefined;
  const language = fieldValue(fields, 'content-language')?.trim().toLowerCase();
  return language === undefined || language === '' || language.includes(',') ? undefined : language;
}

interface Placed {
  readonly key: ResourceLookup['key'];
  readonly fence: Fence;
}

const MAX_FINDINGS = 50;
// What a client says to caches is this cache's business; a handler that obeyed it would shape the answer of others.
const HIDDEN: ReadonlySet<string> = new Set([...CONDITIONAL_REQUEST_FIELDS, 'cache-control', 'pragma']);

function isFailure(reason: string, status: number | undefined): boolean {
  return (
    (status ?? 0) >= 400 ||
    reason === 'authorization' ||
    reason === 'length-mismatch' ||
    reason === 'error' ||
    reason === UNWATCHED
  );
}

function announceGroups(res: Response, groups: readonly string[]): void {
  const tags = groups.filter((group) => group.startsWith('t:')).map(groupLabel);
  const value = serializeGroups(tags);
  if (value !== undefined && !res.hasHeader('cache-groups')) res.setHeader('Cache-Groups', value);
}
