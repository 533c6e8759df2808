/** An item on its way to be kept. */
export interface NewItem {
  /** The same for the same item, however often it is delivered. */
  readonly id: string;
  /** The item as text, after a letter that tells its form. */
  readonly text: string;
}

/** An item that is kept until it is settled. */
export interface QueuedItem extends NewItem {
  /** Its place in the log. */
  readonly entry: string;
  /** How often it was handed to a consumer before, in this process or in one that died. */
  readonly deliveries: number;
}

/** How many items from the first on were kept; `unavailable`: it is not known, and may be some. */
export type AppendReply = number | 'unavailable';

/** What a queue holds. */
export interface QueueFigures {
  /** Acknowledged and not flushed yet. */
  readonly waiting: number;
  /** Set aside. */
  readonly poisoned: number;
}

/** Where items wait until they are flushed. One consumer at a time takes them, in order. No method rejects. */
export interface QueueLog {
  /** Whether items survive the process. */
  readonly isDurable: boolean;
  /** `first` is the number of the first item: the log's one producer numbers them, and never appends a lower one anew. */
  append(items: readonly NewItem[], first: number, maxLength: number): Promise<AppendReply>;
  /** Becomes the consumer, or stays it. */
  hold(): Promise<boolean>;
  /** Runs work during which this process stays the consumer. */
  keep<T>(work: () => Promise<T>): Promise<T>;
  /** Whether this process is still the consumer, as far as it knows. */
  readonly isHeld: boolean;
  /** Lets another process be the consumer. */
  release(): Promise<void>;
  /** The oldest items that are not settled, the same again until they are; `undefined` when that is not known. */
  take(max: number): Promise<readonly QueuedItem[] | undefined>;
  /** These were flushed and are done with. `false`: not certain, they may be taken again. */
  settle(items: readonly QueuedItem[]): Promise<boolean>;
  /** Notes that an item is about to be tried alone; how often that happened by now, also before a crash. */
  noteTry(item: QueuedItem): Promise<number | undefined>;
  /** Sets an item aside. `false`: not certain. */
  setAside(item: QueuedItem, reason: string): Promise<boolean>;
  /** Items set aside, the oldest first. */
  poisoned(limit: number): Promise<readonly (NewItem & { readonly reason: string })[]>;
  /** Puts what was set aside back at the end of the queue. How many, or `undefined` when that is not known. */
  requeue(): Promise<number | undefined>;
  figures(): Promise<QueueFigures | undefined>;
}
