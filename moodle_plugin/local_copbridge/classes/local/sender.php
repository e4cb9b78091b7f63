<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\local;

/**
 * Sends what waits. One at a time: two would send the same rows.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class sender {
    /** @var int seconds of silence after which an empty batch is sent */
    private const HEARTBEAT = 600;

    /** @var int seconds that a row is kept for */
    private const KEPT = 30 * DAYSECS;

    /** @var int the smallest body that is tried where the receiver says that they are too large */
    private const MIN_BYTES = 16384;

    /** @var courier */
    private courier $courier;

    /** @var int bytes of a body */
    private int $maxbytes = batch::MAX_BYTES;

    /** @var int rows that this run has dealt with */
    private int $settled = 0;

    /** @var bool|null whether the receiver takes an empty batch; null: not tried */
    private ?bool $takesempty = null;

    /**
     * A sender.
     *
     * @param transport|null $transport null: Moodle's HTTP client
     */
    public function __construct(?transport $transport = null) {
        $this->courier = new courier($transport ?? new curl_transport());
    }

    /**
     * Sends until nothing waits, the time is over or something is wrong. It never throws because of the receiver.
     *
     * @param int $until Unix seconds
     * @param bool $anyway even while it is waiting after a failure
     * @return result
     */
    public function run(int $until, bool $anyway = false): result {
        return $this->alone(fn(): result => $this->drain($until), $anyway, 0);
    }

    /**
     * Sends an empty batch if nothing was delivered for some time, so that silence means that something is wrong.
     *
     * @return result
     */
    public function heartbeat(): result {
        if ((int) settings::get('lastdelivery') > self::now() - self::HEARTBEAT) {
            return new result(result::IDLE);
        }
        return $this->alone(fn(): result => $this->kept($this->courier->post(body::of())), false, 0);
    }

    /**
     * Sends an empty batch now, whatever went wrong before.
     *
     * @return result
     */
    public function test(): result {
        return $this->alone(fn(): result => $this->kept($this->courier->post(body::of())), true, 10);
    }

    /**
     * How many rows this sender has dealt with.
     *
     * @return int
     */
    public function settled(): int {
        return $this->settled;
    }

    /**
     * Does something while nobody else sends, if sending is possible at all.
     *
     * @param \Closure $what
     * @param bool $anyway even while it is waiting after a failure
     * @param int $patience seconds to wait for who is sending
     * @return result
     */
    private function alone(\Closure $what, bool $anyway, int $patience): result {
        $reason = match (true) {
            !settings::configured() => 'unset',
            !identity::confirmed() => 'copy',
            !$anyway && !backoff::over() => 'backing_off',
            default => '',
        };
        if ($reason !== '') {
            return new result($reason, 0, $reason === 'backing_off' ? settings::get('lasterror') : '');
        }
        $lock = \core\lock\lock_config::get_lock_factory('local_copbridge')->get_lock('sender', $patience);
        if (!$lock) {
            return new result('busy');
        }
        try {
            return $what();
        } finally {
            $lock->release();
        }
    }

    /**
     * Sends batch after batch.
     *
     * @param int $until
     * @return result
     */
    private function drain(int $until): result {
        $this->tidy();
        $result = new result(result::IDLE);
        // What an unconfirmed copy sends is kept over there each time: a single row is enough to ask again.
        $limit = settings::get('lasterror') === result::UNCONFIRMED ? 1 : batch::MAX_ROWS;
        do {
            $rows = outbox::next($limit);
            $limit = batch::MAX_ROWS;
            if (!$rows) {
                break;
            }
            $before = $this->settled;
            $result = $this->deliver($rows);
            if ($result->good() && $this->settled === $before) {
                // Taken, and not a word on any of these events: to send them again at once would never end.
                $result = $result->but('nonsense', '');
            }
        } while ($result->good() && self::now() < $until);
        return $this->kept($result);
    }

    /**
     * Keeps in mind how a run ended.
     *
     * @param result $result
     * @return result the same
     */
    private function kept(result $result): result {
        if (!$result->good()) {
            backoff::failed($result->outcome, $result->retryafter);
        }
        return $result;
    }

    /**
     * Sends as many rows as fit into a batch, from the first on.
     *
     * @param \stdClass[] $rows
     * @return result
     */
    private function deliver(array $rows): result {
        $batch = new batch($rows, $this->maxbytes);
        foreach ($batch->unreadable() as $row) {
            $this->bury($row, 'unreadable');
        }
        if (!$batch->rows()) {
            return new result(result::IDLE);
        }
        $body = body::of();
        $result = new result(result::IDLE);
        foreach ($batch->bodies(readings::configured()) as $body) {
            $result = $this->courier->post($body);
            $this->settle($body, $result);
            if (!$result->good()) {
                break;
            }
        }
        if ($result->outcome === 'too_large' && $this->maxbytes > self::MIN_BYTES) {
            // Half of what was refused, which may have been far below the limit so far.
            $this->maxbytes = max(self::MIN_BYTES, intdiv(min($this->maxbytes, strlen($body->json)), 2));
            return $this->deliver($batch->rows());
        }
        if ($result->outcome === 'malformed' || $result->outcome === 'too_large') {
            return $this->narrow($batch->rows(), $result);
        }
        return $result;
    }

    /**
     * Finds the row for which a batch is refused, by halves, and gives it up; the others are sent.
     *
     * @param \stdClass[] $rows
     * @param result $refused
     * @return result
     */
    private function narrow(array $rows, result $refused): result {
        // If nothing at all is taken, it isn't the rows: none of them may be given up for it.
        $this->takesempty ??= $this->courier->post(body::of())->good();
        if (!$this->takesempty) {
            return $refused;
        }
        if (count($rows) === 1) {
            $this->bury(reset($rows), $refused->outcome . ($refused->detail === '' ? '' : ": $refused->detail"));
            return new result(result::DELIVERED, 200);
        }
        foreach (array_chunk($rows, (int) ceil(count($rows) / 2)) as $half) {
            $result = $this->deliver($half);
            if (!$result->good()) {
                return $result;
            }
        }
        return $result;
    }

    /**
     * Removes the rows whose events were taken, and gives up those that never will be. What an answer doesn't mention
     * stays.
     *
     * @param body $body
     * @param result $result
     */
    private function settle(body $body, result $result): void {
        if ($result->outcome === result::UNCONFIRMED) {
            // Even an event that is a duplicate by now: it waits in quarantine.
            return;
        }
        $done = [];
        foreach ($body->rows as $number => $row) {
            [$fate, $reason] = $result->items["events/$number"] ?? ['', ''];
            if (in_array($fate, ['accepted', 'duplicate', 'ignored', 'waiting'], true)) {
                $done[] = $row->id;
            } else if ($fate === 'quarantined') {
                $this->bury($row, $reason ?: $fate);
            }
        }
        outbox::done($done);
        $this->settled += count($done);
    }

    /**
     * Gives a row up.
     *
     * @param \stdClass $row
     * @param string $reason
     */
    private function bury(\stdClass $row, string $reason): void {
        outbox::bury($row, $reason);
        $this->settled++;
    }

    /**
     * Once an hour, drops what is too old.
     */
    private function tidy(): void {
        $now = self::now();
        if ((int) settings::get('tidiedat') > $now - HOURSECS) {
            return;
        }
        set_config('tidiedat', $now, 'local_copbridge');
        deliveries::prune($now - self::KEPT);
        $dropped = outbox::drop($now - self::KEPT);
        if ($dropped) {
            set_config('dropped', (int) settings::get('dropped') + $dropped, 'local_copbridge');
            set_config('lostat', $now, 'local_copbridge');
        } else if ((int) settings::get('lostat') && (int) settings::get('lostat') <= $now - self::KEPT) {
            // What was lost so long ago was found by a comparison since: it must not worry anybody for ever.
            foreach (['dropped', 'outboxfailures', 'lostat'] as $name) {
                set_config($name, 0, 'local_copbridge');
            }
        }
    }

    /**
     * The present second.
     *
     * @return int
     */
    private static function now(): int {
        return \core\di::get(\core\clock::class)->time();
    }
}
