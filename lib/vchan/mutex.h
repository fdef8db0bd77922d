// A lock without the C++ library's, which would have to be there in every program that uses the library.
#pragma once

#include <pthread.h>

namespace xc::vchan {

class Mutex {
 public:
  void lock() { (void)::pthread_mutex_lock(&mutex_); }  // of its kind these cannot fail (pthread_mutex_lock(3p))
  void unlock() { (void)::pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

class Locked {
 public:
  explicit Locked(Mutex& mutex) : mutex_(mutex) { mutex_.lock(); }
  ~Locked() { mutex_.unlock(); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  Mutex& mutex_;
};

/// Open while the caller sleeps.
class Unlocked {
 public:
  explicit Unlocked(Mutex& mutex) : mutex_(mutex) { mutex_.unlock(); }
  ~Unlocked() { mutex_.lock(); }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace xc::vchan
