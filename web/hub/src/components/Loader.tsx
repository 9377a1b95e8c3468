import type { ReactNode } from "react";
import type { Loaded } from "../api/hooks";
import { Failure } from "./Failure";
import { Loading } from "./Loading";

interface LoaderProps<T> {
  of: Loaded<T>;
  children: (data: T) => ReactNode;
}

/** Content that comes from the hub: waiting, failed, or there. */
export function Loader<T>({ of, children }: LoaderProps<T>) {
  if (of.error) return <Failure error={of.error} retry={of.reload} />;
  if (of.data === null) return <Loading />;
  return <>{children(of.data)}</>;
}
