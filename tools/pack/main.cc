// ocellus-pack: makes WebDataset shards.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "tools/pack/demo_set.h"
#include "tools/pack/folder_set.h"
#include "worker/data/object_shard.h"
#include "worker/data/object_sources.h"
#include "worker/wire/fault.h"

namespace {

void IndexShards(const std::vector<std::string>& words) {
  ocellus::data::ObjectSources sources;
  int made = 0, there = 0;
  for (const std::string& word : words) {
    if (!ocellus::data::IsObjectWord(word)) {
      throw ocellus::wire::Fault(ocellus::wire::FaultClass::kUser, "NO_DATA",
                                 word + " is no address of an object store",
                                 "indexes of files are made when they are first read");
    }
    for (const ocellus::data::Source& shard : sources.Resolve(word)) {
      ++(ocellus::data::PublishIndex(shard.store.get(), shard.path) ? made : there);
    }
  }
  std::printf("%d indexes written, %d were there\n", made, there);
}

int Run(int argc, char** argv) {
  CLI::App app("Makes image shards (WebDataset tars with an index beside them)", "ocellus-pack");
  app.require_subcommand(1);

  ocellus::pack::DemoSetOptions demo;
  CLI::App* demo_command = app.add_subcommand("demo", "draw the synthetic demo set");
  demo_command->add_option("--out", demo.out, "folder to write to")->required();
  demo_command->add_option("--count", demo.count, "pictures")->check(CLI::Range(1, 10'000'000));
  demo_command->add_option("--seed", demo.seed, "the same seed gives the same bytes");
  demo_command->add_option("--shards", demo.shards, "tar files")->check(CLI::Range(1, 100'000));
  demo_command->add_flag("--masks", demo.masks,
                         "a mask.png beside each picture, for data.augment.remove_background");

  ocellus::pack::FolderSetOptions folder;
  CLI::App* folder_command = app.add_subcommand("folder", "pack a folder of JPEG and PNG files");
  folder_command->add_option("dir", folder.folder, "folder with the images")->required();
  folder_command->add_option("--out", folder.out, "folder to write to")->required();
  folder_command->add_option("--shard-bytes-max", folder.shard_bytes_max, "size of a shard, about")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 50));

  std::vector<std::string> shards;
  CLI::App* index_command =
      app.add_subcommand("index", "write the indexes of shards in an object store beside them");
  index_command
      ->add_option("shards", shards, "s3://BUCKET/PREFIX/train-{000..127}.tar?endpoint=URL, globs")
      ->required();
  CLI11_PARSE(app, argc, argv);

  if (demo_command->parsed()) {
    ocellus::pack::WriteDemoSet(demo);
    std::printf("%lld synthetic pictures in %d shards: %s\n", static_cast<long long>(demo.count),
                demo.shards, demo.out.c_str());
  } else if (index_command->parsed()) {
    IndexShards(shards);
  } else {
    const ocellus::pack::FolderSetResult result = ocellus::pack::WriteFolderSet(folder);
    std::printf("%lld images of %lld classes in %lld shards: %s\n",
                static_cast<long long>(result.images), static_cast<long long>(result.classes),
                static_cast<long long>(result.shards), folder.out.c_str());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (const ocellus::wire::Fault& fault) {
    std::fprintf(stderr, "ocellus-pack: %s; %s\n", fault.what(), fault.hint().c_str());
    return fault.fault_class() == ocellus::wire::FaultClass::kUser ? 2 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ocellus-pack: %s\n", error.what());
    return 1;
  }
}
