// Generated from src/budu/hub/site_api/records by `make reference`; not written by hand.

/** Any answer that is no success. */
export interface Failure {
  message: string;
  hint?: string | null;
  code: string;
}


/** The answer where there is nothing to tell. */
export interface Done {
}


/** What is true for everybody. */
export interface HubFacts {
  name: string;
  address: string;
  canSignUp: boolean;
  version: string;
}


/** An organization somebody belongs to. */
export interface Membership {
  name: string;
  displayName: string;
  role: "owner" | "member";
}


/** Who is signed in. */
export interface User {
  name: string;
  displayName: string;
  email: string;
  isAdmin: boolean;
  organizations: Membership[];
}


/** Who asks; `user` is null for nobody, `csrf_token` empty then. */
export interface Session {
  user: User | null;
  csrfToken: string;
  hub: HubFacts;
}


/** A sign-in. */
export interface SignIn {
  name: string;
  password: string;
}


/** A new user. */
export interface SignUp {
  name: string;
  password: string;
  email?: string;
  displayName?: string;
}


/** A profile. `email` is null for others than its owner; `role` is what the reader is to it. */
export interface Account {
  name: string;
  kind: "user" | "organization";
  displayName: string;
  about: string;
  email: string | null;
  isVerified: boolean;
  role: "none" | "reader" | "writer" | "owner";
  repositoryCount: number;
  createdAt: string;
}


/** New values of one's own account, or of an organization one owns. */
export interface AccountChange {
  displayName?: string;
  email?: string;
  about?: string;
  password?: string;
  oldPassword?: string;
}


/** What has to be shown before an account is removed: the password of who asks. */
export interface AccountDelete {
  password: string;
}


/** A personal access token. */
export interface Token {
  id: number;
  name: string;
  scope: "read" | "write" | "admin";
  hint: string;
  createdAt: string;
  lastUsedAt: string | null;
  expiresAt: string | null;
}


/** All of a user. */
export interface Tokens {
  results: Token[];
}


/** A new token. */
export interface TokenNew {
  name: string;
  scope?: "read" | "write" | "admin";
  expiresInDays?: number | null;
}


/** A new token and its secret, which is shown this once. */
export interface TokenMade {
  token: Token;
  secret: string;
}


/** A new organization; who makes it owns it. */
export interface OrganizationNew {
  name: string;
  displayName?: string;
}


/** A member. */
export interface Member {
  name: string;
  displayName: string;
  role: "owner" | "member";
}


/** All members. */
export interface Members {
  results: Member[];
}


/** The role to give. */
export interface MemberChange {
  role?: "owner" | "member";
}


/** A team with its members' names. */
export interface Team {
  name: string;
  about: string;
  members: string[];
}


/** All teams. */
export interface Teams {
  results: Team[];
}


/** What is said about a team. */
export interface TeamChange {
  about?: string;
}


/** A repository in a list. `summary` is in the reader's language. */
export interface Card {
  name: string;
  account: string;
  title: string;
  publisher: string;
  summary: string;
  product: string;
  badge: "official" | "verified" | "";
  isPrivate: boolean;
  stars: number;
  pulls: number;
  categories: string[];
  architectures: string[];
  systems: string[];
  updatedAt: string;
  pushedAt: string | null;
  pullCommand: string;
}


/** How many of the results have a value. */
export interface FacetValue {
  value: string;
  count: number;
}


/** Counts by value of what can be filtered for. */
export interface Facets {
  category: FacetValue[];
  product: FacetValue[];
  architecture: FacetValue[];
  os: FacetValue[];
  official: number;
  verified: number;
}


/** A page of results. `corrected` is the word that was searched in place of one nothing has. */
export interface ExploreAnswer {
  count: number;
  results: Card[];
  facets: Facets;
  corrected: string | null;
}


/** What is looked for; several values are apart by commas. */
export interface ExploreQuery {
  q?: string;
  category?: string;
  product?: string;
  architecture?: string;
  os?: string;
  official?: boolean;
  verified?: boolean;
  sort?: "best" | "pulls" | "updated" | "name";
  page?: number;
  pageSize?: number;
}


/** A page of a list. */
export interface PageQuery {
  q?: string;
  page?: number;
  pageSize?: number;
}


/** One of the fixed categories. */
export interface Category {
  slug: string;
  name: string;
  nameEn: string;
  nameKo: string;
  count: number;
}


/** All of them. */
export interface Categories {
  results: Category[];
}


/** A page of repositories. */
export interface CardPage {
  count: number;
  results: Card[];
}


/** A new repository. */
export interface RepositoryNew {
  account: string;
  name: string;
  summary?: string;
  isPrivate?: boolean;
  product?: string;
}


/** A repository's page. The last fields are null for readers. */
export interface Repository {
  name: string;
  account: string;
  title: string;
  publisher: string;
  publisherKind: "user" | "organization";
  badge: "official" | "verified" | "";
  product: string;
  isPrivate: boolean;
  summary: string;
  overviewHtml: string;
  categories: string[];
  architectures: string[];
  systems: string[];
  stars: number;
  isStarred: boolean;
  pulls: number;
  tagCount: number;
  role: "none" | "reader" | "writer" | "owner";
  pullCommand: string;
  createdAt: string;
  updatedAt: string;
  pushedAt: string | null;
  editing: RepositoryEditing | null;
}


/** What who may write sees besides: the texts as they were written, and the settings. */
export interface RepositoryEditing {
  summaryEn: string;
  summaryKo: string;
  overview: string;
  overviewKo: string;
  synonyms: string[];
  immutableTags: string;
  sizeBytes: number;
  quotaBytes: number | null;
}


/** New settings. `is_official` is the admin's to set. */
export interface RepositoryChange {
  summary?: string;
  summaryKo?: string;
  overview?: string;
  overviewKo?: string;
  isPrivate?: boolean;
  isOfficial?: boolean;
  product?: string;
  categories?: string[];
  synonyms?: string[];
  immutableTags?: string;
}


/** A text under way. */
export interface MarkdownText {
  text: string;
}


/** A text as readers will see it. */
export interface Rendered {
  html: string;
}


/** How many have starred it, and whether the reader has. */
export interface Stars {
  stars: number;
  isStarred: boolean;
}


/** Which tags. */
export interface TagsQuery {
  q?: string;
  sort?: "name" | "pushed" | "pulled" | "size";
  page?: number;
  pageSize?: number;
}


/** One platform of a tag. `size_bytes` counts the compressed layers and the config. */
export interface TagImage {
  digest: string;
  platform: string;
  os: string;
  architecture: string;
  variant: string;
  sizeBytes: number;
}


/** A tag in the list. */
export interface Tag {
  name: string;
  digest: string;
  mediaType: string;
  sizeBytes: number;
  images: TagImage[];
  pushedAt: string;
  pushedBy: string;
  pulledAt: string | null;
  isImmutable: boolean;
  pullCommand: string;
}


/** A page of tags. */
export interface TagPage {
  count: number;
  results: Tag[];
}


/** What of an image's config people ask for. */
export interface ImageSettings {
  createdAt: string | null;
  author: string;
  user: string;
  workingDir: string;
  entrypoint: string[];
  cmd: string[];
  env: string[];
  exposedPorts: string[];
  volumes: string[];
  labels: Record<string, string>;
  stopSignal: string;
}


/** One step of an image's making; a step without a layer has neither digest nor size. */
export interface Layer {
  command: string;
  createdAt: string | null;
  comment: string;
  digest: string | null;
  sizeBytes: number;
}


/** What refers to an image: a signature, an attestation, a list of parts. */
export interface Referrer {
  digest: string;
  kind: "signature" | "attestation" | "sbom" | "other";
  artifactType: string;
  sizeBytes: number;
  annotations: Record<string, string>;
  pushedAt: string;
}


/** One platform of a tag, opened. `settings` is null for what is no image.  `unpacked_bytes` is what the layers take on a disk; null where it is not known: it will be soon where `is_measuring`. */
export interface TagImageDetails {
  digest: string;
  platform: string;
  os: string;
  architecture: string;
  variant: string;
  mediaType: string;
  artifactType: string;
  sizeBytes: number;
  unpackedBytes: number | null;
  isMeasuring: boolean;
  configDigest: string | null;
  settings: ImageSettings | null;
  layers: Layer[];
  dockerfile: string;
  referrers: Referrer[];
}


/** A tag, opened. */
export interface TagDetails {
  tag: Tag;
  images: TagImageDetails[];
  referrers: Referrer[];
}


/** Some tags. */
export interface TagNames {
  tags: string[];
}


/** What went, and why others stayed. */
export interface TagsDeleted {
  deleted: string[];
  refused: TagRefused[];
}


/** A tag that stays. */
export interface TagRefused {
  tag: string;
  message: string;
}


/** A webhook; its secret is never told. */
export interface Webhook {
  id: number;
  name: string;
  url: string;
  events: ("push" | "delete" | "pull")[];
  hasSecret: boolean;
  isActive: boolean;
  createdAt: string;
}


/** A new webhook. */
export interface WebhookNew {
  name: string;
  url: string;
  secret?: string;
  events?: ("push" | "delete" | "pull")[];
}


/** New values. */
export interface WebhookChange {
  name?: string;
  url?: string;
  secret?: string;
  events?: ("push" | "delete" | "pull")[];
  isActive?: boolean;
}


/** All of a repository. */
export interface Webhooks {
  results: Webhook[];
}


/** One message to a webhook. `next_at` is null when it is done or given up. */
export interface Delivery {
  id: number;
  event: string;
  payload: string;
  attempts: number;
  status: number | null;
  error: string;
  createdAt: string;
  nextAt: string | null;
  finishedAt: string | null;
}


/** The newest of a webhook. */
export interface Deliveries {
  results: Delivery[];
}


/** Tags that fit `pattern` go when they are not among the newest `keep_last`, or older than so many days since they were pushed or pulled. Given both, only what fails both goes. */
export interface RetentionRule {
  pattern?: string;
  keepLast?: number | null;
  olderThanDays?: number | null;
  since?: "pushed" | "pulled";
}


/** Rules, and patterns of tags that never go. */
export interface Retention {
  rules?: RetentionRule[];
  protected?: string[];
}


/** A tag that would go, by the rule of that index. */
export interface RetentionVictim {
  tag: string;
  digest: string;
  sizeBytes: number;
  pushedAt: string;
  pulledAt: string | null;
  rule: number;
}


/** What rules would do now. */
export interface RetentionPreview {
  deletes: RetentionVictim[];
  keeps: number;
}


/** A role of a user or team; `subject` is `user:NAME` or `team:NAME`. */
export interface Grant {
  subject: string;
  kind: "user" | "team";
  name: string;
  role: "reader" | "writer" | "owner";
}


/** All of a repository. */
export interface Grants {
  results: Grant[];
}


/** The role to give. */
export interface GrantChange {
  role: "reader" | "writer" | "owner";
}


/** Whose entries; empty are one's own account's. */
export interface AuditQuery {
  account?: string;
  page?: number;
  pageSize?: number;
}


/** Who did what. `detail` never holds secrets. */
export interface AuditEntry {
  at: string;
  actor: string;
  address: string;
  action: string;
  account: string;
  target: string;
  detail: Record<string, unknown>;
}


/** A page of entries, newest first. */
export interface AuditPage {
  count: number;
  results: AuditEntry[];
}


/** An account as the hub's admin sees it. */
export interface AdminAccount {
  name: string;
  kind: "user" | "organization";
  displayName: string;
  email: string;
  isAdmin: boolean;
  isDisabled: boolean;
  isVerified: boolean;
  quotaBytes: number | null;
  usedBytes: number;
  createdAt: string;
}


/** A page of accounts. */
export interface AdminAccounts {
  count: number;
  results: AdminAccount[];
}


/** New values. */
export interface AdminAccountChange {
  isAdmin?: boolean;
  isDisabled?: boolean;
  isVerified?: boolean;
  quotaBytes?: number | null;
}


/** What a garbage collection took. */
export interface SweepAnswer {
  blobs: number;
  bytes: number;
  uploads: number;
}


/** The registry that an account mirrors; its password is never told. */
export interface Upstream {
  account: string;
  url: string;
  userName: string;
  hasPassword: boolean;
  freshS: number;
}


/** All accounts that mirror a registry. */
export interface Upstreams {
  results: Upstream[];
}


/** A registry to mirror. A password that is left out stays. */
export interface UpstreamChange {
  url: string;
  userName?: string;
  password?: string;
  freshS?: number;
}
