//===- Steps.h - progress and errors of a compilation
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TOOLS_STEPS_H
#define BRAID_TOOLS_STEPS_H

#include "braid-rt/error.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>

namespace braid {

/// Prints "[2/5] lowering to kernels (0.31 s)"; without the 5 as long as the
/// total is not known. A step that fails leaves its
/// line ended, so that the error stands on one of its own.
class Steps {
public:
  /// `total` 0: not known.
  Steps(int total, bool quiet) : total(total), quiet(quiet) {}
  ~Steps() {
    if (open)
      llvm::errs() << "\n";
  }
  void begin(const llvm::Twine &what) {
    start = std::chrono::steady_clock::now();
    open = !quiet;
    if (!quiet)
      llvm::errs() << "[" << ++number
                   << (total ? "/" + std::to_string(total) : "") << "] "
                   << what;
  }
  void end(const llvm::Twine &detail = "") {
    std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    open = false;
    if (!quiet)
      llvm::errs() << llvm::format(" (%.2f s)", seconds.count()) << detail
                   << "\n";
  }

private:
  int total, number = 0;
  bool quiet, open = false;
  std::chrono::steady_clock::time_point start;
};

/// Keeps MLIR's diagnostics short: the first error becomes the message, with
/// its location; IR is never part of it.
class FirstError {
public:
  explicit FirstError(mlir::MLIRContext &context)
      : handler(&context, [this](mlir::Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error)
            return mlir::failure();
          if (message.empty()) {
            llvm::raw_string_ostream out(message);
            writePlace(diagnostic.getLocation(), out);
            out << diagnostic.str();
          }
          return mlir::success();
        }) {}
  [[noreturn]] void raise(const std::string &otherwise) {
    std::string line = message.empty() ? otherwise : message;
    throw rt::Error(line.substr(0, line.find('\n')));
  }

private:
  /// A line of a file, or the innermost name, which is the model's.
  static void writePlace(mlir::Location where, llvm::raw_ostream &out) {
    if (auto loc = where->findInstanceOf<mlir::FileLineColLoc>()) {
      out << loc.getFilename().getValue() << ":" << loc.getLine() << ":"
          << loc.getColumn() << ": ";
      return;
    }
    mlir::StringRef name;
    where->walk([&](mlir::Location part) {
      if (auto named = mlir::dyn_cast<mlir::NameLoc>(part))
        name = named.getName().getValue();
      return mlir::WalkResult::advance();
    });
    if (!name.empty())
      out << name << ": ";
  }

  std::string message;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace braid

#endif // BRAID_TOOLS_STEPS_H
