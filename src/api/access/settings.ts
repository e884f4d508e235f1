/** Who may use the API, and how much. */
export interface AccessSettings {
  /** Null: no tokens, keys only. */
  oidc: OidcSettings | null;
  rates: RateSettings;
  /** Web sites whose pages may use the API from their readers' browsers. */
  corsOrigins: readonly string[];
  /** Proxies whose word for where a request came from is taken: addresses, and networks like 10.0.0.0/8. */
  trustedProxies: readonly string[];
}

/** Whose tokens are taken, and what they say about their bearers. */
export interface OidcSettings {
  issuer: string;
  audience: string;
  jwksUrl: string;
  /** Asymmetric ones only: with a shared secret, whoever can check tokens could make them. */
  algorithms: readonly string[];
  /** The claim that names the tenant; null: all act for `default`. */
  tenantClaim: string | null;
  scopeClaim: string;
}

/** Requests per minute where nothing else is said of a key or a tenant; null: as many as they like. */
export interface RateSettings {
  perKey: number | null;
  perTenant: number | null;
}

export const KEYS_ONLY: AccessSettings = {
  oidc: null,
  rates: { perKey: null, perTenant: null },
  corsOrigins: [],
  trustedProxies: [],
};
