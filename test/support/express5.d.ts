/** The types of version 4 fit what the tests use. */
declare module "express5" {
  export { default } from "express";
}
