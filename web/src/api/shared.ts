/** Public things that many pages read: fetched once, kept in memory for a minute. */
import { getCatalogue, getHealth, getLimits, getMarkets, getPolicy } from "./service.ts";
import { once, type Resource, useResource } from "./useResource.ts";
import type { Asset, CatalogueField, Health, Limits, Listing, Market, Policy } from "./types.ts";

export const useListing = (): Resource<Listing> => useResource("markets", () => once("markets", () => getMarkets()));
export const usePolicy = (): Resource<Policy> => useResource("policy", () => once("policy", () => getPolicy()));
export const useLimits = (): Resource<Limits> => useResource("limits", () => once("limits", () => getLimits()));
export const useHealth = (): Resource<Health> => useResource("health", () => once("health", () => getHealth()));
export const useCatalogue = (language: string): Resource<{ fields: CatalogueField[] }> =>
  useResource(`catalogue ${language}`, () => once(`catalogue ${language}`, () => getCatalogue(language)));

export function marketOf(listing: Listing | undefined, symbol: string): Market | undefined {
  return listing?.markets.find((market) => market.symbol === symbol);
}

export function assetOf(listing: Listing | undefined, code: string): Asset | undefined {
  return listing?.assets.find((asset) => asset.code === code);
}
