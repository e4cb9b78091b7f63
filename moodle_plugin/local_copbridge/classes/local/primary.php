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

use Closure;
use Throwable;

/**
 * Reads from the primary database, where the site has replicas: Moodle asks a replica only outside transactions.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class primary {
    /**
     * Reads something.
     *
     * @param Closure $what
     * @return array
     */
    public static function read(Closure $what): array {
        global $DB;
        $transaction = $DB->start_delegated_transaction();
        try {
            $found = $what();
        } catch (Throwable $e) {
            // This throws it on.
            $transaction->rollback($e);
        }
        $transaction->allow_commit();
        return $found;
    }
}
