import { expect, it } from "vitest";
import { forProgram, imageName } from "./command";

it("changes the program alone", () => {
  expect(forProgram("docker pull docker/docker", "budu")).toBe("budu pull docker/docker");
});
it("finds the name", () => {
  expect(imageName("docker pull localhost:5080/a/b")).toBe("localhost:5080/a/b");
});
