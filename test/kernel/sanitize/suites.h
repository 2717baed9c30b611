#ifndef CLOSE_WAIT_GUARD_TEST_SUITES_H_
#define CLOSE_WAIT_GUARD_TEST_SUITES_H_

void ReaderSuite();
void WatchSuite();
void TableSuite();
void ParseSuite();
void RegistrySuite();
void ThreadsSuite();
void ProcessSuite();

#endif  // CLOSE_WAIT_GUARD_TEST_SUITES_H_
