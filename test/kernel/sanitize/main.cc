// The addon's plain C++ under AddressSanitizer and UndefinedBehaviorSanitizer, without Node: see ../sanitize.sh.
#include "../../../native/linux/fd_table.h"
#include "check.h"
#include "suites.h"

int main() {
  const struct {
    const char* name;
    void (*run)();
  } suites[] = {{"reader", ReaderSuite},     {"watch", WatchSuite},     {"table", TableSuite},    {"parse", ParseSuite},
                {"registry", RegistrySuite}, {"threads", ThreadsSuite}, {"process", ProcessSuite}};
  for (const auto& suite : suites) {
    const std::int64_t before = cwg::ReadFdUsage().open;
    suite.run();
    if (!CHECK(cwg::ReadFdUsage().open == before)) std::fprintf(stderr, "%s left fds open\n", suite.name);
  }
  std::printf("%d checks held, %d did not\n", check::tally().passed, check::tally().failed);
  return check::tally().failed == 0 ? 0 : 1;
}
