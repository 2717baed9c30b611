#include "loaded_copies.h"

#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstring>

namespace cwg {
namespace {

// The hash of the DT_GNU_HASH table.
std::uint32_t GnuHash(const char* name) {
  std::uint32_t hash = 5381;
  for (; *name != '\0'; name++) hash = hash * 33 + static_cast<unsigned char>(*name);
  return hash;
}

struct DynamicTables {
  const ElfW(Sym) * symbols = nullptr;
  const char* strings = nullptr;
  const std::uint32_t* hash = nullptr;

  explicit operator bool() const { return symbols != nullptr && strings != nullptr && hash != nullptr; }
};

DynamicTables TablesOf(const dl_phdr_info& object) {
  DynamicTables tables;
  // glibc has made these addresses absolute (on most machines), musl leaves them relative to the object.
  const auto address = [&object](ElfW(Addr) value) {
    return reinterpret_cast<const void*>(value < object.dlpi_addr ? object.dlpi_addr + value : value);
  };
  for (int i = 0; i < object.dlpi_phnum; i++) {
    if (object.dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(object.dlpi_addr + object.dlpi_phdr[i].p_vaddr);
    for (; entry->d_tag != DT_NULL; entry++) {
      if (entry->d_tag == DT_SYMTAB) tables.symbols = static_cast<const ElfW(Sym)*>(address(entry->d_un.d_ptr));
      if (entry->d_tag == DT_STRTAB) tables.strings = static_cast<const char*>(address(entry->d_un.d_ptr));
      if (entry->d_tag == DT_GNU_HASH) tables.hash = static_cast<const std::uint32_t*>(address(entry->d_un.d_ptr));
    }
  }
  return tables;
}

// One look into the object's hash table: buckets of chains of symbols, where the last of a chain has an odd hash.
const ElfW(Sym) * FindSymbol(const DynamicTables& tables, const char* name, std::uint32_t hash) {
  const std::uint32_t bucket_count = tables.hash[0];
  const std::uint32_t first_symbol = tables.hash[1];
  const std::uint32_t bloom_words = tables.hash[2];
  if (bucket_count == 0) return nullptr;
  const std::uint32_t* buckets = tables.hash + 4 + bloom_words * (sizeof(ElfW(Addr)) / sizeof(std::uint32_t));
  const std::uint32_t* chains = buckets + bucket_count;
  std::uint32_t index = buckets[hash % bucket_count];
  if (index < first_symbol) return nullptr;
  for (;; index++) {
    const std::uint32_t candidate = chains[index - first_symbol];
    if ((candidate | 1) == (hash | 1) && std::strcmp(tables.strings + tables.symbols[index].st_name, name) == 0) {
      return &tables.symbols[index];
    }
    if ((candidate & 1) != 0) return nullptr;
  }
}

struct Search {
  const char* name;
  std::uint32_t hash;
  const std::function<void(void*)>* visit;
};

int VisitObject(dl_phdr_info* object, std::size_t /*size*/, void* data) {
  const auto& search = *static_cast<const Search*>(data);
  const DynamicTables tables = TablesOf(*object);
  if (!tables) return 0;
  const ElfW(Sym)* symbol = FindSymbol(tables, search.name, search.hash);
  if (symbol == nullptr || symbol->st_shndx == SHN_UNDEF || (symbol->st_info & 0xf) != STT_FUNC) return 0;
  (*search.visit)(reinterpret_cast<void*>(object->dlpi_addr + symbol->st_value));
  return 0;
}

}  // namespace

void ForEachFunction(const char* name, const std::function<void(void*)>& visit) {
  Search search = {name, GnuHash(name), &visit};
  dl_iterate_phdr(VisitObject, &search);
}

}  // namespace cwg
